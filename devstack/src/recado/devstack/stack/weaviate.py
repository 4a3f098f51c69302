"""Weaviate for the stack: `weaviate-server` as its own process, or the server at an address.

The process takes two keys, fixed and public as all of the demo's credentials: WRITER_KEY may do
everything, READER_KEY may only read. What it acknowledged outlives a SIGKILL. Its gRPC port and one
of the cluster's listen on every interface, whatever it is told: production firewalls them.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from recado.devstack.stack.errors import MissingComponent
from recado.devstack.stack.part import ExternalPart, ProcessPart
from recado.devstack.stack.ports import CLUSTER_PORTS, LOOPBACK
from recado.devstack.stack.probes import accepts, http_ok
from recado.devstack.stack.process import ChildProcess

URL_VARIABLE = "RECADO_WEAVIATE_URL"
GRPC_URL_VARIABLE = "RECADO_WEAVIATE_GRPC_URL"
KEY_VARIABLE = "RECADO_WEAVIATE_API_KEY"

READER_KEY = "recado-demo-reader"
WRITER_KEY = "recado-demo-writer"
INSTALL = "run tools/weaviate.sh, or install weaviate-server 1.37 or newer on the PATH"

_NAME = "weaviate"
_PROGRAM = "weaviate-server"
_DEFAULT_GRPC_PORT = 50051


class WeaviateServer(ProcessPart):
    """One node with API keys; `directory` keeps its data between starts, on the same ports."""

    reader_key: str | None = READER_KEY
    writer_key: str | None = WRITER_KEY

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        grpc_port: int,
        cluster_port: int,
        environment: Mapping[str, str],
    ) -> None:
        """`cluster_port` is the first of CLUSTER_PORTS in a row, which a lone node has too."""
        self.url = f"http://{LOOPBACK}:{port}"
        self.grpc_url = f"http://{LOOPBACK}:{grpc_port}"
        self._directory = directory
        self._grpc_port = grpc_port
        self._environment = environment
        # The command is completed in `prepare`, which may find that there is no such program.
        process = ChildProcess(
            _NAME,
            (),
            log=directory / "weaviate.log",
            environment={**environment, **_settings(directory, grpc_port, cluster_port)},
        )
        self._arguments = ("--host", LOOPBACK, "--port", str(port), "--scheme", "http")
        cluster = range(cluster_port, cluster_port + CLUSTER_PORTS)
        super().__init__(_NAME, self.url, process, ports=(port, grpc_port, *cluster))

    async def prepare(self) -> None:
        """Raises MissingComponent where there is no weaviate-server."""
        program = weaviate_program(self._environment)
        if program is None:
            raise MissingComponent("Weaviate", INSTALL)
        self._directory.mkdir(parents=True, exist_ok=True)
        self.process.command = (str(program), *self._arguments)

    async def is_ready(self) -> bool:
        return await _answers(self.url, LOOPBACK, self._grpc_port)


class ExternalWeaviate(ExternalPart):
    """The server that RECADO_WEAVIATE_URL names; its key, where it needs one, is given too."""

    def __init__(self, url: str, grpc_url: str, key: str | None) -> None:
        self.url = url
        self.grpc_url = grpc_url
        self.reader_key = self.writer_key = key
        super().__init__(_NAME, url, variable=URL_VARIABLE, probe=lambda: http_ok(_ready(url)))


Weaviate = WeaviateServer | ExternalWeaviate


def choose_weaviate(
    directory: Path,
    *,
    port: int,
    grpc_port: int,
    cluster_port: int,
    environment: Mapping[str, str] | None = None,
) -> Weaviate:
    """The Weaviate that the environment names, else a process; not started. None: os.environ."""
    environment = os.environ if environment is None else environment
    if url := environment.get(URL_VARIABLE):
        grpc_url = environment.get(GRPC_URL_VARIABLE) or f"http://{LOOPBACK}:{_DEFAULT_GRPC_PORT}"
        return ExternalWeaviate(url, grpc_url, environment.get(KEY_VARIABLE) or None)
    return WeaviateServer(
        directory,
        port=port,
        grpc_port=grpc_port,
        cluster_port=cluster_port,
        environment=environment,
    )


def weaviate_program(environment: Mapping[str, str]) -> Path | None:
    """`weaviate-server` on the PATH, or where `go install` puts it; None if it is nowhere."""
    if found := shutil.which(_PROGRAM, path=environment.get("PATH")):
        return Path(found)
    installed = Path(environment.get("GOBIN") or Path.home() / "go" / "bin") / _PROGRAM
    return installed if installed.is_file() and os.access(installed, os.X_OK) else None


def weaviate_settings(server: Weaviate, key: str | None) -> dict[str, str]:
    """The RECADO_* names and values of a process that reaches this server with this key."""
    settings = {URL_VARIABLE: server.url, GRPC_URL_VARIABLE: server.grpc_url}
    return settings if key is None else {**settings, KEY_VARIABLE: key}


async def _answers(url: str, host: str, grpc_port: int) -> bool:
    return await http_ok(_ready(url)) and await accepts(host, grpc_port)


def _ready(url: str) -> str:
    return f"{url.rstrip('/')}/v1/.well-known/ready"


def _settings(directory: Path, grpc_port: int, cluster_port: int) -> dict[str, str]:
    """As https://docs.weaviate.io/deploy/configuration/env-vars names them."""
    # The second must follow the first: on one machine the node looks for itself there.
    raft, raft_calls, gossip, data = (str(cluster_port + n) for n in range(CLUSTER_PORTS))
    return {
        "PERSISTENCE_DATA_PATH": str(directory / "data"),
        "GRPC_PORT": str(grpc_port),
        # A node alone. It is ready after 3 s so, and else after 9.
        "CLUSTER_HOSTNAME": "node1",
        "CLUSTER_IN_LOCALHOST": "true",
        "CLUSTER_ADVERTISE_ADDR": LOOPBACK,
        "CLUSTER_BIND_ADDR": LOOPBACK,
        "CLUSTER_GOSSIP_BIND_PORT": gossip,
        "CLUSTER_DATA_BIND_PORT": data,
        "RAFT_PORT": raft,
        "RAFT_INTERNAL_RPC_PORT": raft_calls,
        "RAFT_BOOTSTRAP_EXPECT": "1",
        "RAFT_TIMEOUTS_MULTIPLIER": "1",
        # Vectors come from us, and collections from our definition.
        "DEFAULT_VECTORIZER_MODULE": "none",
        "API_BASED_MODULES_DISABLED": "true",
        "AUTOSCHEMA_ENABLED": "false",
        "DISABLE_TELEMETRY": "true",
        "GO_PROFILING_DISABLE": "true",  # another port otherwise
        "PROMETHEUS_MONITORING_ENABLED": "false",
        "LOG_LEVEL": "warning",
        # A user who can do all and one who can only read.
        "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
        "AUTHENTICATION_APIKEY_ENABLED": "true",
        "AUTHENTICATION_APIKEY_ALLOWED_KEYS": f"{WRITER_KEY},{READER_KEY}",
        "AUTHENTICATION_APIKEY_USERS": "writer,reader",
        "AUTHORIZATION_ADMINLIST_ENABLED": "true",
        "AUTHORIZATION_ADMINLIST_USERS": "writer",
        "AUTHORIZATION_ADMINLIST_READONLY_USERS": "reader",
    }
