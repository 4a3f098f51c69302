"""Runs the stand-ins until interrupted: `python -m recado.devstack.standins`.

Port 0 takes a free one; the address served is printed as the first line of the output.
"""

import argparse
import socket
from pathlib import Path

import uvicorn

from recado.devstack.standins.app import create_app
from recado.devstack.standins.config import load
from recado.devstack.standins.connections import AbortableProtocol


class _Announcing(uvicorn.Server):
    """Says where it listens as soon as it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            for server in self.servers:
                host, port = server.sockets[0].getsockname()[:2]
                print(f"stand-ins listen on http://{host}:{port}", flush=True)


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m recado.devstack.standins",
        description="Stand-ins of WhatsApp's Graph API, Telegram's Bot API and the Gemini API.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", default=9100, type=int, help="port to listen on; 0: a free one")
    parser.add_argument("--config", type=Path, help="YAML or JSON file; without it: the demo's")
    arguments = parser.parse_args()
    config = uvicorn.Config(
        create_app(load(arguments.config)),
        host=arguments.host,
        port=arguments.port,
        http=AbortableProtocol,
        ws="none",
        log_level="warning",
        # The access log would hold Telegram tokens, which are in the path.
        access_log=False,
        # Longer than clients keep an idle connection (httpx: 5 s), so that none is closed just as
        # it is used again, which the sender could not tell from a lost answer.
        timeout_keep_alive=75,
        # Requests that are never answered on purpose don't hold up the end.
        timeout_graceful_shutdown=1,
    )
    _Announcing(config).run()


if __name__ == "__main__":
    main()
