"""The HTTP server, started and stopped by the service rather than by signals."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import uvicorn
from starlette.types import ASGIApp

KEEP_ALIVE = timedelta(seconds=75)
"""Longer than balancers keep idle connections (60 s), so that they never use one just closed."""


class _Uvicorn(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the service."""
        yield


class HttpServer:
    """One listening socket and its connections."""

    def __init__(self, app: ASGIApp, *, host: str, port: int, drain_timeout: timedelta) -> None:
        self._host = host
        self.port = port
        """The port that is listened on; once started also where any free one was asked for."""
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                # The peer is the peer. What a forwarding header says anybody can write.
                proxy_headers=False,
                timeout_keep_alive=int(KEEP_ALIVE.total_seconds()),
                timeout_graceful_shutdown=int(drain_timeout.total_seconds()),
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when listening. Raises OSError where the port is taken."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.create_server((self._host, self.port), family=family, backlog=2048)
        self.port = listener.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="http")

    async def stop(self) -> None:
        """Take no new requests, answer the open ones within the drain time, close."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task

    async def ended(self) -> None:
        """Return when the server ended, asked to or not. Raises what it failed with."""
        if self._task is not None:
            await asyncio.shield(self._task)
