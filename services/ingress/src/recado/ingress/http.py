"""The HTTP surface: which requests are webhooks, and how they and their answers look in ASGI.

Webhooks are answered here, all else by FastAPI (`documentation.py`), which describes them, too.
Its middlewares, routing, requests and responses cost twice what all of ingress's own checks do.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import TypeAlias
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from recado.ingress.answers import Answer
from recado.ingress.clients import HEADER as FORWARDED_FOR
from recado.ingress.documentation import PREFIX, documentation
from recado.ingress.exchanges import exchange_of
from recado.ingress.reception import Reception, Visit
from recado.servicekit.health import Health

_BEHIND = f"{PREFIX}/"
_Headers: TypeAlias = list[tuple[bytes, bytes]]
_Take: TypeAlias = Callable[[Visit], Coroutine[object, object, Answer]]


def create_app(reception: Reception, health: Health) -> ASGIApp:
    """The application."""
    return Front(reception, documentation(health))


class Front:
    """Answers webhooks for every method, and hands all else to `others`.

    Paths are taken with and without the slash at the end.
    """

    def __init__(self, reception: Reception, others: ASGIApp) -> None:
        # HEAD asks what GET answers; whoever asks must have the right token for it, too.
        self._by_method: Mapping[str, _Take] = {
            "POST": reception.receive,
            "GET": reception.verify,
            "HEAD": reception.verify,
        }
        # Which methods there are is told after whether the address is known.
        self._otherwise: _Take = reception.refuse_method
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        address = _address(scope)
        if address is None:
            await self._others(scope, receive, send)
            return
        method = scope["method"]
        take = self._by_method.get(method, self._otherwise)
        exchange = exchange_of(scope) if method == "POST" else None
        whole = exchange.take_body() if exchange is not None else None
        try:
            answer = await take(_visit(address, scope, receive, whole))
        except ClientDisconnect:
            return  # nobody is there to read an answer
        if (
            exchange is not None
            and not answer.headers
            and exchange.answer(answer.status, answer.media_type, answer.body)
        ):
            return
        await send(
            {"type": "http.response.start", "status": answer.status, "headers": _headers_of(answer)}
        )
        await send({"type": "http.response.body", "body": answer.body})


class _Body:
    """What comes of a body, piece by piece. Raises `ClientDisconnect`."""

    __slots__ = ("_ended", "_receive")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self._ended = not message.get("more_body", False)
        return message.get("body", b"")  # type: ignore[no-any-return]  # ASGI has it so


def _address(scope: Scope) -> tuple[str, str | None] | None:
    """Platform and integration as the path names them; None where it is no webhook address."""
    if scope["type"] != "http" or not scope["path"].startswith(_BEHIND):
        return None
    parts = scope["path"][len(_BEHIND) :].removesuffix("/").split("/")
    if len(parts) > 2 or "" in parts:  # both that there are
        return None
    return parts[0], parts[1] if len(parts) > 1 else None


def _visit(
    address: tuple[str, str | None], scope: Scope, receive: Receive, whole: bytes | None
) -> Visit:
    platform, integration = address
    query: bytes = scope["query_string"]
    client = scope.get("client")
    return Visit(
        platform=platform,
        integration=integration,
        headers=_headers(scope["headers"]),
        query=dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else {},
        client_host=client[0] if client else "",
        body=_Body(receive),
        whole=whole,
    )


def _headers(raw: _Headers) -> Mapping[str, str]:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in raw}
    if len(headers) == len(raw):
        return headers
    # Where a name is there twice the first counts; but for a list to which some proxies add a line
    # of their own: there the last says most.
    headers = {}
    for raw_name, raw_value in raw:
        name = raw_name.decode("latin-1")
        if name not in headers:
            headers[name] = raw_value.decode("latin-1")
        elif name == FORWARDED_FOR:
            headers[name] += f",{raw_value.decode('latin-1')}"
    return headers


def _headers_of(answer: Answer) -> _Headers:
    headers = [
        (b"content-length", b"%d" % len(answer.body)),
        (b"content-type", answer.media_type.encode("latin-1")),
    ]
    for name, value in answer.headers.items():
        headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))
    return headers
