"""Which Weaviate is taken, when it is part of a stack, and which service gets which key."""

from pathlib import Path

import pytest

from recado.devstack.stack.errors import MissingComponent
from recado.devstack.stack.ports import CLUSTER_PORTS, Ports, free_port
from recado.devstack.stack.stack import Stack, StackConfig
from recado.devstack.stack.weaviate import (
    READER_KEY,
    WRITER_KEY,
    ExternalWeaviate,
    Weaviate,
    WeaviateServer,
    choose_weaviate,
    weaviate_program,
)


def chosen(directory: Path, environment: dict[str, str]) -> Weaviate:
    return choose_weaviate(directory, port=1, grpc_port=2, cluster_port=3, environment=environment)


def program(folder: Path) -> Path:
    path = folder / "weaviate-server"
    path.touch(mode=0o755)
    return path


def stack(directory: Path, environment: dict[str, str], **settings: str) -> Stack:
    return Stack(StackConfig(state_directory=directory, environment=environment, settings=settings))


def environment_of(stack: Stack, service: str) -> dict[str, str]:
    return dict(stack.service(service).process.environment or {})


def test_an_address_in_the_environment_takes_the_place_of_the_process(tmp_path: Path) -> None:
    server = chosen(
        tmp_path,
        {
            "RECADO_WEAVIATE_URL": "https://weaviate.example",
            "RECADO_WEAVIATE_GRPC_URL": "https://grpc.weaviate.example",
            "RECADO_WEAVIATE_API_KEY": "muy-secreta",
        },
    )
    assert isinstance(server, ExternalWeaviate)
    assert (server.url, server.grpc_url) == (
        "https://weaviate.example",
        "https://grpc.weaviate.example",
    )
    assert (server.reader_key, server.writer_key) == ("muy-secreta", "muy-secreta")
    assert "muy-secreta" not in repr(server.status())


def test_without_an_address_it_is_a_process_with_a_key_to_read_and_one_to_write(
    tmp_path: Path,
) -> None:
    server = chosen(tmp_path, {"PATH": "/bin"})
    assert isinstance(server, WeaviateServer)
    assert (server.url, server.grpc_url) == ("http://127.0.0.1:1", "http://127.0.0.1:2")
    environment = server.process.environment
    assert environment is not None
    assert environment["AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED"] == "false"
    assert environment["AUTHORIZATION_ADMINLIST_READONLY_USERS"] == "reader"
    assert environment["PATH"] == "/bin"


def test_the_program_is_looked_for_on_the_path_and_where_go_puts_it(tmp_path: Path) -> None:
    on_path, of_go = tmp_path / "bin", tmp_path / "go"
    on_path.mkdir()
    of_go.mkdir()
    environment = {"PATH": str(on_path), "GOBIN": str(of_go)}
    assert weaviate_program(environment) is None
    program(of_go)
    assert weaviate_program(environment) == of_go / "weaviate-server"
    program(on_path)
    assert weaviate_program(environment) == on_path / "weaviate-server"


async def test_without_the_program_the_start_says_what_to_install(tmp_path: Path) -> None:
    server = chosen(tmp_path, {"PATH": "", "GOBIN": str(tmp_path)})
    with pytest.raises(MissingComponent, match=r"tools/weaviate\.sh"):
        await server.start()


def test_a_stack_has_no_weaviate_unless_it_is_told(tmp_path: Path) -> None:
    without = stack(tmp_path, {})
    assert without.weaviate is None
    assert "weaviate" not in [part.name for part in without.parts()]
    assert environment_of(without, "rag")["RECADO_KNOWLEDGE"] == "lancedb"


@pytest.mark.parametrize("where", ["environment", "settings"])
def test_a_stack_on_weaviate_gives_rag_the_reader_s_key_and_the_indexer_the_writer_s(
    tmp_path: Path, where: str
) -> None:
    told = {"RECADO_KNOWLEDGE": "weaviate"}
    made = stack(tmp_path, told) if where == "environment" else stack(tmp_path, {}, **told)
    assert "weaviate" in [part.name for part in made.parts()]
    rag, indexer = environment_of(made, "rag"), environment_of(made, "indexer")
    assert rag["RECADO_WEAVIATE_API_KEY"] == READER_KEY
    assert indexer["RECADO_WEAVIATE_API_KEY"] == WRITER_KEY
    for name, value in (
        ("RECADO_KNOWLEDGE", "weaviate"),
        ("RECADO_WEAVIATE_URL", "http://127.0.0.1:18080"),
        ("RECADO_WEAVIATE_GRPC_URL", "http://127.0.0.1:18081"),
    ):
        assert (rag[name], indexer[name]) == (value, value)
    assert "RECADO_WEAVIATE_API_KEY" not in environment_of(made, "ingress")
    assert "RECADO_WEAVIATE_API_KEY" not in made.environment


def test_ports_in_a_row_are_free_and_nobody_else_s() -> None:
    rows = [free_port(CLUSTER_PORTS) for _ in range(20)]
    drawn = [port for first in rows for port in range(first, first + CLUSTER_PORTS)]
    assert len(set(drawn)) == len(drawn)
    ports = Ports.free()
    taken = {getattr(ports, name) for name in Ports.__slots__}
    row = range(ports.weaviate_cluster + 1, ports.weaviate_cluster + CLUSTER_PORTS)
    assert taken.isdisjoint(row)
