"""A way to close a connection without answering, which ASGI itself does not have.

The HTTP protocol of this module offers each request the means to abort its connection, as the
scope extension `recado.abort`: the sender sees the connection close before a byte of an answer.
"""

import asyncio
from typing import cast

from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

ABORT = "recado.abort"


class AbortableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol with the scope extension `recado.abort`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Offer the connection's `abort` to every request that comes over it."""
        super().connection_made(transport)
        serve = cast("ASGI3Application", self.app)

        async def offering_abort(
            scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
        ) -> None:
            offered = dict(scope)
            offered["extensions"] = {ABORT: transport.abort}
            await serve(cast("Scope", offered), receive, send)

        self.app = cast("ASGI3Application", offering_abort)
