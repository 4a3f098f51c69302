"""What the images need around them, on loopback: started for `tools.image_answers`, gone after it.

Kafka and MongoDB are those of the demo. Weaviate is the program that the demo would take, in the
environment that docker-compose.yml gives it, keys and all; only where it listens and keeps its data
is different.
"""

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tools import compose_file

from recado.devstack.stack.kafka import choose_kafka
from recado.devstack.stack.mongodb import choose_mongodb
from recado.devstack.stack.ports import LOOPBACK, free_port, is_free
from recado.devstack.stack.probes import http_ok
from recado.devstack.stack.process import ChildProcess
from recado.devstack.stack.weaviate import weaviate_program

ROOT = compose_file.PATH.parent
STANDINS = ROOT / "deploy" / "docker" / "standins"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where everything is. `ports` are those that the services are to listen on, by their name."""

    addresses: Mapping[str, str]
    """RECADO_* names of addresses, and what they are here."""
    variables: Mapping[str, str]
    """What `.env` would hold."""
    ports: Mapping[str, int]
    files: Mapping[str, Path]
    """What docker-compose.yml mounts there, by its place in the container: files, and a folder."""
    weaviate: bool

    def environment(self, service: str) -> dict[str, str]:
        """That of a service of docker-compose.yml, reaching what is here."""
        given = compose_file.environment(compose_file.services()[service], self.variables)
        here = {name: self.addresses.get(name, value) for name, value in given.items()}
        if service in self.ports:
            here |= {"RECADO_HOST": LOOPBACK, "RECADO_PORT": str(self.ports[service])}
        return here


@asynccontextmanager
async def surroundings(directory: Path, services: tuple[str, ...]) -> AsyncIterator[Surroundings]:
    """Start them in `directory`; stop them in the end. Raises StackError if one doesn't start."""
    async with AsyncExitStack() as running:
        kafka = choose_kafka(directory / "kafka", port=free_port(), controller_port=free_port())
        mongodb = choose_mongodb(directory / "mongodb", port=free_port())
        for part in (kafka, mongodb):
            running.push_async_callback(part.stop)
            await part.start()
        variables = {
            "WEAVIATE_WRITER_KEY": secrets.token_hex(24),
            "WEAVIATE_READER_KEY": secrets.token_hex(24),
            "GRAFANA_PASSWORD": secrets.token_hex(24),
        }
        rest, grpc = free_port(), free_port()
        program = weaviate_program(os.environ)
        if program is not None:
            process = _weaviate(str(program), directory / "weaviate", rest, grpc, variables)
            running.push_async_callback(process.stop)
            ready = f"http://{LOOPBACK}:{rest}/v1/.well-known/ready"
            await process.start(lambda: http_ok(ready), timedelta(seconds=90))
        ports = {service: free_port() for service in services}
        yield Surroundings(
            addresses={
                "RECADO_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
                "RECADO_MONGODB_URL": mongodb.url,
                "RECADO_WEAVIATE_URL": f"http://{LOOPBACK}:{rest}",
                "RECADO_WEAVIATE_GRPC_URL": f"http://{LOOPBACK}:{grpc}",
            },
            variables=variables,
            ports=ports,
            files=_files(directory, ports),
            weaviate=program is not None,
        )


def _weaviate(
    program: str, directory: Path, rest: int, grpc: int, variables: Mapping[str, str]
) -> ChildProcess:
    given = compose_file.environment(compose_file.services()["weaviate"], variables)
    gossip, data, raft = free_port(), free_port(), free_port()
    while not is_free(raft + 1):
        raft = free_port()
    return ChildProcess(
        "weaviate",
        (program, "--host", LOOPBACK, "--port", str(rest), "--scheme", "http"),
        log=directory / "weaviate.log",
        environment={
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            **given,
            "PERSISTENCE_DATA_PATH": str(directory / "data"),
            "GRPC_PORT": str(grpc),
            # Its cluster of one stays on this machine too.
            "CLUSTER_IN_LOCALHOST": "true",
            "CLUSTER_ADVERTISE_ADDR": LOOPBACK,
            "CLUSTER_BIND_ADDR": LOOPBACK,
            "CLUSTER_GOSSIP_BIND_PORT": str(gossip),
            "CLUSTER_DATA_BIND_PORT": str(data),
            "RAFT_PORT": str(raft),
            # Where it is in localhost, it looks for itself at the next port.
            "RAFT_INTERNAL_RPC_PORT": str(raft + 1),
            "RAFT_TIMEOUTS_MULTIPLIER": "1",
        },
    )


def _files(directory: Path, ports: Mapping[str, int]) -> dict[str, Path]:
    """The files of the profile `standins`, with the ports of here."""
    accounts = directory / "accounts"
    accounts.mkdir(mode=0o755)
    files = {
        "integrations": accounts / "integrations.yaml",
        "standins": directory / "standins.yaml",
    }
    for name, file in files.items():
        text = (STANDINS / f"{name}.yaml").read_text(encoding="utf-8")
        for service, port in (("standins", 9100), ("ingress", 9000)):
            here = f"{LOOPBACK}:{ports.get(service, port)}"
            text = text.replace(f"{service}:{port}", here)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o644)  # public, and read by the containers' user
    return {"/run/secrets/standins": files["standins"], "/etc/recado": accounts}
