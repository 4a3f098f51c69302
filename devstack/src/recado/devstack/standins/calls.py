"""One way in for all platforms: record the request, let a fault strike, else have it answered.

A platform's module is a `StandIn`: it checks a `Call` and returns a `Reply`, at once and without
I/O. What a fault looks like on the wire is here where it is the same for all (slow, drop, hang,
html), and asked of the platform where it has its own words (rate limited, broken).
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from recado.devstack.standins.connections import ABORT
from recado.devstack.standins.faults import Fault, FaultKind, Faults, Platform
from recado.devstack.standins.records import Journal, Outcome

# Above every real limit: Gemini takes 20 MB inline, Meta and Telegram less for what is sent here.
LARGEST_BODY = 20 * 1024 * 1024

# How long a request that is never answered is held when the sender does not give up first.
LONGEST_HANG = timedelta(minutes=15)

REDACTED = "[redacted]"

_HTML_PAGE = "<!DOCTYPE html><html><body><h1>Sorry, something went wrong.</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Call:
    """A request as a platform sees it: `path` is that below the platform's prefix, header names
    are in lower case, `record` is the index of its record, `answered` tells whether the sender
    will hear of the outcome."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    at: datetime
    record: int = 0
    answered: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """What a platform answers. `refusal` is the reason for the record; None means accepted."""

    status: int
    body: JsonValue
    refusal: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What may be kept of a call: nothing in it is a credential."""

    operation: str
    path: str
    body: bytes


class StandIn(Protocol):
    """A platform's checks and effects."""

    @property
    def platform(self) -> Platform:
        """Whom it stands for."""
        ...

    @property
    def answer_time(self) -> timedelta:
        """How long an answer takes when no fault strikes."""
        ...

    def sketch(self, call: Call) -> Sketch:
        """What to keep of the call, and which operation it is; never raises."""
        ...

    def fault_reply(self, call: Call, fault: Fault) -> Reply:
        """The platform's own words for `rate_limited`, `broken` and `refused`."""
        ...

    def answer(self, call: Call, fault: Fault | None) -> Reply:
        """Check the call and do what it asks; never raises for what a sender may send.

        The fault is one that shows after the checks: slow, hang, or the platform's own.
        """
        ...


class Endpoint:
    """The ASGI application of one platform."""

    def __init__(
        self, stand_in: StandIn, *, journal: Journal, faults: Faults, clock: Callable[[], datetime]
    ) -> None:
        self._stand_in = stand_in
        self._journal = journal
        self._faults = faults
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        at = self._clock()
        body = await _read(request)
        if body is None:
            response = Response("Payload Too Large", status_code=413, media_type="text/plain")
            await response(scope, receive, send)
            return
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        call = Call(request.method, path, request.headers, dict(request.query_params), body, at)
        sketch = self._stand_in.sketch(call)
        platform = self._stand_in.platform
        record = self._journal.arrived(
            platform=platform,
            method=call.method,
            path=sketch.path,
            operation=sketch.operation,
            body=sketch.body,
            at=at,
        )
        fault = self._faults.draw(platform, sketch.operation)
        pause = self._stand_in.answer_time + (fault.delay if fault else timedelta(0))
        if pause:
            await asyncio.sleep(pause.total_seconds())

        if fault is not None and fault.kind in _BEFORE_THE_CHECKS:
            record.outcome, record.reason = Outcome.FAULT, fault.kind.value
            if fault.kind is FaultKind.DROP:
                await _drop(scope, receive)
                return
            if fault.kind is FaultKind.HTML:
                record.status = 200
                await Response(_HTML_PAGE, media_type="text/html")(scope, receive, send)
                return
            reply = self._stand_in.fault_reply(call, fault)
            record.status = reply.status
            await _response(reply)(scope, receive, send)
            return

        hangs = fault is not None and fault.kind is FaultKind.HANG
        reply = self._stand_in.answer(replace(call, record=record.index, answered=not hangs), fault)
        if reply.refusal is not None:
            record.outcome, record.reason = Outcome.REFUSED, reply.refusal
        else:
            record.outcome = Outcome.ACCEPTED
            record.reason = fault.kind.value if fault is not None else None
            if hangs:
                await _hang(scope, receive)
                return
        record.status = reply.status
        await _response(reply)(scope, receive, send)


_BEFORE_THE_CHECKS = frozenset(
    {
        FaultKind.RATE_LIMITED,
        FaultKind.BROKEN,
        FaultKind.REFUSED,
        FaultKind.DROP,
        FaultKind.HTML,
    }
)


async def _read(request: Request) -> bytes | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


def _response(reply: Reply) -> Response:
    return Response(
        json.dumps(reply.body).encode(),
        status_code=reply.status,
        media_type="application/json",
        headers=dict(reply.headers),
    )


async def _drop(scope: Scope, receive: Receive) -> None:
    """Close the connection without a byte.

    A server that can't (the tests' in-process one) raises ConnectionResetError instead.
    """
    if not _abort(scope):
        raise ConnectionResetError("dropped before answering")
    await _until_disconnected(receive)


async def _hang(scope: Scope, receive: Receive) -> None:
    """Wait until the sender gives up, and say nothing.

    When the sender outlasts LONGEST_HANG or the server, the connection is closed without a byte,
    for a 5xx would be an answer.
    """
    try:
        async with asyncio.timeout(LONGEST_HANG.total_seconds()):
            await _until_disconnected(receive)
    except TimeoutError:
        await _drop(scope, receive)
    finally:
        _abort(scope)


def _abort(scope: Scope) -> bool:
    abort = scope.get("extensions", {}).get(ABORT)
    if abort is None:
        return False
    abort()
    return True


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
