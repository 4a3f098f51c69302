"""The stand-ins for WhatsApp, Telegram and Gemini, as one child process."""

import sys
from collections.abc import Mapping
from pathlib import Path

from recado.devstack.stack.part import ProcessPart
from recado.devstack.stack.ports import LOOPBACK
from recado.devstack.stack.probes import http_ok
from recado.devstack.stack.process import ChildProcess


class StandIns(ProcessPart):
    """`python -m recado.devstack.standins` on loopback; `url` is its root.

    `configuration` is the file that says whom it knows (see integrations.py); `directory` keeps
    the log.
    """

    def __init__(
        self, directory: Path, *, port: int, configuration: Path, environment: Mapping[str, str]
    ) -> None:
        self.url = f"http://{LOOPBACK}:{port}"
        command = (
            *(sys.executable, "-m", "recado.devstack.standins"),
            *("--port", str(port), "--config", str(configuration)),
        )
        process = ChildProcess(
            "stand-ins", command, log=directory / "standins.log", environment=environment
        )
        super().__init__(
            "stand-ins", self.url, process, ports=(port,), note="WhatsApp, Telegram, Gemini"
        )

    async def is_ready(self) -> bool:
        return await http_ok(f"{self.url}/control/health")
