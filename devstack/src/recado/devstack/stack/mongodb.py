"""MongoDB for the stack: secantusdb as its own process, or the server that an address names.

secantusdb keeps over a SIGKILL what was written with `j=True`, and only that. It is under the GPL:
it is run as a program and never imported.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from recado.devstack.stack.part import ExternalPart, ProcessPart
from recado.devstack.stack.ports import LOOPBACK
from recado.devstack.stack.probes import accepts, mongodb_answers
from recado.devstack.stack.process import ChildProcess

URL_VARIABLE = "RECADO_MONGODB_URL"

_NAME = "mongodb"
# Enough for tests and a demo; its own default is a gigabyte.
_CACHE_SIZE = "128M"


class SecantusDb(ProcessPart):
    """One secantusdb server on loopback; `directory` keeps its data between starts."""

    def __init__(self, directory: Path, *, port: int, environment: Mapping[str, str]) -> None:
        self.url = f"mongodb://{LOOPBACK}:{port}/?directConnection=true"
        self._directory = directory
        self._port = port
        self._configuration = directory / "secantusd.toml"
        command = (
            *(sys.executable, "-m", "secantus", "--host", LOOPBACK, "--port", str(port)),
            *("--storage-path", str(directory / "data"), "--cache-size", _CACHE_SIZE),
            *("--config", str(self._configuration), "--log-level", "WARNING"),
        )
        process = ChildProcess(
            _NAME, command, log=directory / "secantus.log", environment=environment
        )
        super().__init__(
            _NAME, self.url, process, ports=(port,), note="secantusdb, standing in for MongoDB"
        )

    async def prepare(self) -> None:
        """Write an empty configuration: without one, secantusdb looks for the user's own."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._configuration.touch()

    async def is_ready(self) -> bool:
        # The driver would wait for a server that is not there yet: ask for the port first.
        return await accepts(LOOPBACK, self._port) and await mongodb_answers(self.url)


class ExternalMongoDb(ExternalPart):
    """The server that RECADO_MONGODB_URL names."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(
            _NAME,
            without_credentials(url),
            variable=URL_VARIABLE,
            probe=lambda: mongodb_answers(url),
        )


MongoDb = SecantusDb | ExternalMongoDb


def choose_mongodb(
    directory: Path, *, port: int, environment: Mapping[str, str] | None = None
) -> MongoDb:
    """The MongoDB that the environment names, else secantusdb; not started. None: os.environ."""
    environment = os.environ if environment is None else environment
    if url := environment.get(URL_VARIABLE):
        return ExternalMongoDb(url)
    return SecantusDb(directory, port=port, environment=environment)


def without_credentials(url: str) -> str:
    """The address as it may be shown: without user, password and options."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
