"""Recado's own services as child processes, each as `python -m recado.<name>`."""

import sys
from collections.abc import Mapping
from pathlib import Path

from recado.devstack.stack.part import ProcessPart
from recado.devstack.stack.ports import LOOPBACK
from recado.devstack.stack.probes import http_ok
from recado.devstack.stack.process import ChildProcess

SERVICES = ("ingress", "rag", "dispatcher", "indexer")
"""In the order of a table that follows the message."""

_FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}
"""As in the images. Without it each thread of LanceDB's keeps memory of its own: hundreds of MB."""


class Service(ProcessPart):
    """One service, listening on loopback. It is ready when its `/readyz` answers 200."""

    def __init__(
        self, name: str, directory: Path, *, port: int, environment: Mapping[str, str]
    ) -> None:
        """`environment` is all that the service gets, RECADO_PORT excepted; and where it does not
        say otherwise few arenas of malloc."""
        self.url = f"http://{LOOPBACK}:{port}"
        process = ChildProcess(
            name,
            (sys.executable, "-m", f"recado.{name}"),
            log=directory / f"{name}.log",
            environment={**_FEW_ARENAS, **environment, "RECADO_PORT": str(port)},
        )
        super().__init__(name, self.url, process, ports=(port,))

    async def is_ready(self) -> bool:
        return await http_ok(f"{self.url}/readyz")
