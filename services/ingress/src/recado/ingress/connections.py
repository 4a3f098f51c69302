"""A connection of a client: uvicorn's, with a bound on what comes before a request is known.

uvicorn waits for a request's headers for ever, keeps whatever comes of them, and at its end closes
connections that have part of a request on them. Here

- beyond so many connections a further one gets 503 with `Retry-After` and is closed at once;
- headers have their time (then 408) and their size (then 431);
- a request that asks for another protocol is answered in this one, and the connection closed; if it
  has a body, which httptools does not hand over then, it is 400: it must not be taken for empty;
- a connection on which nothing ever comes is closed like one that is kept alive;
- what is still sent when its answer is out, a body that was refused for its size say, is thrown
  away for the same time, then the connection is closed;
- once the server stops, each connection gets the answer to what it sent, with `Connection: close`.
"""

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from recado.ingress.exchanges import EXTENSION, Exchange
from recado.servicekit import metrics

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

MAX_HEAD_BYTES = 64 * 1024
"""Of a request line and headers that come in more than one piece; a piece has 256 KiB at most."""

_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: %s\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
_NO_MORE = b"content-length: 0\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What connections may take."""

    head_timeout: float
    """Seconds that a client may take to send a request's headers."""
    connections: int
    """So many may be open at once."""
    retry_after: str
    """What a further one is told to wait: seconds."""


class _BodyWithoutAParser(Exception):
    """The parser would leave out the body."""


def _announces_body(name: bytes, value: bytes) -> bool:
    return name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 ") != b"")


class Connection(HttpToolsProtocol):
    """One connection, which may have many requests one after the other."""

    def __init__(
        self,
        config: "Config",
        server_state: "ServerState",
        app_state: dict[str, object],
        bounds: Bounds,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._bounds = bounds
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._in_head = False
        self._ending = False
        self._quiet_since = monotonic()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Wait for the first request as long as for a further one."""
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            self._turn_away()
            return
        self._look_for_quiet(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request. Mostly it is a whole one, which costs two comparisons."""
        super().data_received(data)
        if self._in_head or self._is_quiet():
            self._bound_head(len(data))
        elif self._head_timer is not None:
            self._stop_timer()

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that its headers are here."""
        self._in_head = False
        upgrades = self.parser.should_upgrade()
        if upgrades and any(_announces_body(*header) for header in self.headers):
            raise _BodyWithoutAParser  # which the parser makes a 400, and the end
        super().on_headers_complete()
        if self._ending or upgrades:
            self.cycle.keep_alive = False

    def _start_asgi_task(self, cycle: "RequestResponseCycle", app: "ASGI3Application") -> None:
        # As an extension: ASGI's way to hand over what is not in its scope.
        cycle.scope["extensions"] = {EXTENSION: Exchange(cycle)}  # type: ignore[dict-item]  # no dict
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Note that it is answered."""
        self._quiet_since = monotonic()
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        # As uvicorn, which arms a timer for each answer beside.
        self.server_state.total_requests += 1
        self.flow.resume_reading()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which for so long there was no request."""
        left = float(self.timeout_keep_alive)
        if self._is_quiet() and not self._in_head:
            left -= monotonic() - self._quiet_since
        if left > 0:
            self._look_for_quiet(left)
        else:
            super().timeout_keep_alive_handler()

    def _look_for_quiet(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _unset_keepalive_if_required(self) -> None:
        """Leave the timer: one for a connection looks how long it is quiet, whatever comes."""

    def shutdown(self) -> None:
        """Answer what is under way, and what still comes, each with `Connection: close`."""
        self._ending = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def close_if_quiet(self, seconds: float) -> None:
        """Close the connection if for so long there was no request on it."""
        if self._in_head or not self._is_quiet() or self.transport.is_closing():
            return
        if monotonic() - self._quiet_since >= seconds:
            self.transport.close()

    def _is_quiet(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _bound_head(self, size: int) -> None:
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += size
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(_TOO_LARGE)
                return
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self._bounds.head_timeout, self._too_slow)

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self._is_quiet():  # a pipelined one, while the answer before it is being made
            self._head_timer = self.loop.call_later(self._bounds.head_timeout, self._too_slow)
        elif self._in_head:
            self._refuse(_TOO_SLOW)
        elif not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, status: bytes) -> None:
        if not self.transport.is_closing() and self._is_quiet():
            self.transport.write(status + _NO_MORE)
        self.transport.close()

    def _turn_away(self) -> None:
        # One that is about to be closed is no longer open: it must not keep others away.
        self.connections.discard(self)
        metrics.CONNECTIONS_REFUSED.inc()
        self._refuse(_TOO_MANY % self._bounds.retry_after.encode())

    def _stop_timer(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
