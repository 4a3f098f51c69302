"""Where the command finds what it talks to: the environment, then what `recado up` wrote."""

import stat
from pathlib import Path

import pytest

from recado.cli.settings import CliSettings
from recado.cli.up import _reader_key, write_environment
from recado.devstack.stack.stack import Stack, StackConfig

URL = "mongodb://user:p%40ss'w\\ord@127.0.0.1:27117/?directConnection=true&w=1 #not-a-comment"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in CliSettings.model_fields:
        monkeypatch.delenv(f"RECADO_{name.upper()}", raising=False)
    return tmp_path


def of_a_stack() -> CliSettings:
    return CliSettings(
        kafka_bootstrap_servers="127.0.0.1:19092",
        mongodb_url=URL,
        mongodb_database="recado",
        integrations_file=Path("a folder/it's $HOME/integrations.yaml"),
        ingress_url="http://127.0.0.1:9000",
        standins_url="http://127.0.0.1:9100",
    )


def test_what_up_wrote_is_read_as_it_was() -> None:
    """Whatever the addresses hold."""
    write_environment(of_a_stack(), Path(".recado"))
    assert CliSettings() == of_a_stack()


def test_of_what_the_services_run_with_only_the_place_of_the_knowledge_base_is_written() -> None:
    """A replay searches there; keys and credentials stay where they are."""
    services = {"RECADO_LANCEDB_PATH": "/data", "RECADO_GEMINI_API_KEY": "key", "TOKEN": "t"}
    write_environment(of_a_stack(), Path(".recado"), services)
    written = Path(".recado/environment").read_text(encoding="utf-8")
    assert "RECADO_LANCEDB_PATH='/data'" in written
    assert "KEY" not in written
    assert "TOKEN" not in written


def test_the_key_to_search_in_the_demos_own_weaviate_is_written_and_no_other_one(
    tmp_path: Path,
) -> None:
    """The demo's is public; that of a server which was there before is not."""
    demo = {"RECADO_KNOWLEDGE": "weaviate"}
    theirs = demo | {"RECADO_WEAVIATE_URL": "http://w:8080", "RECADO_WEAVIATE_API_KEY": "secret"}
    for environment, expected in ((demo, "recado-demo-reader"), (theirs, None), ({}, None)):
        stack = Stack(StackConfig(state_directory=tmp_path, environment=environment))
        key = _reader_key(stack)
        assert key == expected
        write_environment(of_a_stack(), Path(".recado"), stack.environment, reader_key=key)
        written = Path(".recado/environment").read_text(encoding="utf-8")
        assert ("RECADO_WEAVIATE_API_KEY='recado-demo-reader'" in written) is (key is not None)
        assert "secret" not in written


def test_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write_environment(of_a_stack(), Path(".recado"))
    monkeypatch.setenv("RECADO_INGRESS_URL", "http://elsewhere:1")
    assert CliSettings().ingress_url == "http://elsewhere:1"
    assert CliSettings().standins_url == "http://127.0.0.1:9100"


def test_without_a_file_the_defaults_hold() -> None:
    assert CliSettings().mongodb_url == "mongodb://127.0.0.1:27017"
    assert CliSettings().integrations_file == Path(".recado/integrations.yaml")


def test_only_this_user_can_read_the_file_also_if_it_was_open_before() -> None:
    """MongoDB's address may hold a password."""
    file = Path(".recado/environment")
    file.parent.mkdir()
    file.touch(0o644)
    write_environment(of_a_stack(), Path(".recado"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["environment"]


def test_other_names_in_the_file_are_passed_over() -> None:
    file = Path(".recado/environment")
    file.parent.mkdir()
    file.write_text("RECADO_SOMETHING_NEW=1\nOTHER=2\n", encoding="utf-8")
    assert CliSettings().ingress_url == "http://127.0.0.1:9000"
