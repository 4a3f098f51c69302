"""The HTTP server, started and stopped by the service rather than by signals.

When it stops, no request that came is left without an answer: connections that the kernel has taken
are taken too, before the listening socket is closed; each connection gets its answer, then it is
closed; one without a request gets `QUIET` to send one that is on its way.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

import structlog
import uvicorn
from starlette.types import ASGIApp

from recado.ingress.answers import in_seconds
from recado.ingress.connections import Bounds, Connection

log = structlog.stdlib.get_logger(__name__)

KEEP_ALIVE = timedelta(seconds=75)
"""Longer than balancers keep idle connections (60 s), so that they never use one just closed."""

QUIET = timedelta(seconds=1)
"""A connection on which nothing came for so long is idle."""

LOOK_AGAIN = 0.05


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, bounds: Bounds) -> None:
        super().__init__(config)
        self._bounds = bounds
        config.load()
        config.http_protocol_class = self._connection  # type: ignore[assignment]  # only called

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the service."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what came, within the drain time."""
        taken = [one for listener in sockets or () for one in _waiting_on(listener)]
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        loop = asyncio.get_running_loop()
        for one in taken:
            await loop.connect_accepted_socket(self._connection, one)
        for connection in self._connections():
            connection.shutdown()
        until = monotonic() + (self.config.timeout_graceful_shutdown or 0)
        while self._connections() and monotonic() < until:
            for connection in self._connections():
                connection.close_if_quiet(QUIET.total_seconds())
            await asyncio.sleep(LOOK_AGAIN)
        for connection in self._connections():
            log.warning("http.closed_unanswered")
            connection.transport.abort()
        for task in self.server_state.tasks:
            task.cancel()

    def _connection(self, **_: object) -> Connection:
        return Connection(self.config, self.server_state, {}, self._bounds)

    def _connections(self) -> list[Connection]:
        return [one for one in self.server_state.connections if isinstance(one, Connection)]


class HttpServer:
    """One listening socket and its connections."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        port: int,
        head_timeout: timedelta,
        drain_timeout: timedelta,
        max_connections: int,
        retry_after: timedelta,
    ) -> None:
        self._host = host
        self.port = port
        """The port that is listened on; once started also where any free one was asked for."""
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",  # what is no HTTP anybody can send, and need not fill the log
            access_log=False,
            server_header=False,
            # The peer is the peer. Whose word is taken for it is `clients.py`'s to say.
            proxy_headers=False,
            timeout_keep_alive=int(KEEP_ALIVE.total_seconds()),
            timeout_graceful_shutdown=max(1, int(drain_timeout.total_seconds())),
        )
        bounds = Bounds(
            head_timeout=head_timeout.total_seconds(),
            connections=max_connections,
            retry_after=in_seconds(retry_after),
        )
        self._server = _Uvicorn(config, bounds)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when listening. Raises OSError where the port is taken."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.create_server((self._host, self.port), family=family, backlog=2048)
        self.port = listener.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="http")

    async def stop(self) -> None:
        """Take no new connections, answer what the open ones send, close them."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task

    async def ended(self) -> None:
        """Return when the server ended, asked to or not. Raises what it failed with."""
        if self._task is not None:
            await asyncio.shield(self._task)


def _waiting_on(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that wait to be accepted."""
    listener.setblocking(False)
    while True:
        try:
            accepted, _ = listener.accept()
        except OSError:  # there is none, or it went away again
            return
        accepted.setblocking(False)
        yield accepted
