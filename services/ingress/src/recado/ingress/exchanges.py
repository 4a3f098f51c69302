"""A request that is here as a whole, and its answer as a whole, without ASGI's messages.

Nearly every webhook comes in one piece and is answered in one. ASGI hands over neither so: reading
awaits a message that may have to be waited for, which takes a timer; an answer is two messages, and
each is a system call. `Connection` puts an `Exchange` beside each request, in the extensions of its
scope; who does not know of it has ASGI as ever.
"""

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

EXTENSION = "recado.exchange"


class Exchange:
    """One request of a connection, and its answer."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: "RequestResponseCycle") -> None:
        self._cycle = cycle

    def take_body(self) -> bytes | None:
        """The body where all of it is here, once; else None: then it is to be received."""
        cycle = self._cycle
        if cycle.more_body or cycle.disconnected or cycle.waiting_for_100_continue:
            return None
        body = bytes(cycle.body)
        cycle.body = bytearray()
        return body

    def answer(self, status: int, media_type: str, body: bytes) -> bool:
        """Send an answer with these headers only. Not for HEAD, whose answer has no body.

        False where the client does not read what it is sent: nothing is done, and ASGI's `send`
        waits until it does. Once the client is gone there is nothing to do.
        """
        cycle = self._cycle
        if cycle.disconnected:
            return True
        if cycle.flow.write_paused:
            return False
        close = b"" if cycle.keep_alive else b"connection: close\r\n"
        own = _head(status, media_type, len(body))
        added = [b"%b: %b\r\n" % header for header in cycle.default_headers]
        cycle.response_started = cycle.response_complete = True
        cycle.transport.write(b"".join((own, *added, close, b"\r\n", body)))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


def exchange_of(scope: Mapping[str, object]) -> Exchange | None:
    """The exchange of an ASGI scope, where the server is ours."""
    extensions = scope.get("extensions")
    found = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    return found if isinstance(found, Exchange) else None


@lru_cache(1024)
def _head(status: int, media_type: str, length: int) -> bytes:
    """Status line and headers, but for those of every answer."""
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"content-length: {length}\r\ncontent-type: {media_type}\r\n"
    ).encode("latin-1")
