"""The HTTP surface: routes, and what each answer means, for OpenAPI."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Literal, TypeAlias

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from recado.ingress.answers import Answer
from recado.ingress.clients import HEADER as FORWARDED_FOR
from recado.ingress.reception import Reception, Visit
from recado.servicekit.health import Health, routes

PREFIX = "/api/integrations/webhooks"

DESCRIPTION = """\
Takes the webhooks of messaging platforms and writes them to Kafka.

A request is answered with 200 only when Kafka has acknowledged everything that was in it. The path
names the platform, and the integration where there is one address for each; without, it is found by
what the body names.
"""


class Receipt(BaseModel):
    """What was found in an authentic request. All of it is in Kafka."""

    status: Literal["accepted", "ignored", "unreadable", "unknown_integration"]
    messages: int
    statuses: int
    repeats: int | None = Field(default=None, description="How many of both were in Kafka already")
    warning: str | None = Field(default=None, description="No protection against repeats, and why")
    error: str | None = Field(default=None, description="What could not be read")


class Refusal(BaseModel):
    """Why a request was not taken."""

    status: Literal["rejected", "unavailable"]
    error: str


_Endpoint: TypeAlias = Callable[[Request], Coroutine[object, object, Response]]
_Responses: TypeAlias = dict[int | str, dict[str, object]]
_REFUSED: _Responses = {
    404: {"model": Refusal, "description": "No such platform or integration"},
    503: {"model": Refusal, "description": "Not in Kafka: send it again after `Retry-After`"},
}
_RECEIVE: _Responses = {
    200: {"model": Receipt, "description": "Everything in it is in Kafka"},
    401: {"model": Refusal, "description": "Signature or secret missing or wrong"},
    403: {"model": Refusal, "description": "Not from the integration's networks"},
    408: {"model": Refusal, "description": "The body did not come in time"},
    413: {"model": Refusal, "description": "The body is too large"},
    415: {"model": Refusal, "description": "Not JSON by its headers"},
    429: {"model": Refusal, "description": "Beyond the rate: send it again after `Retry-After`"},
    **_REFUSED,
}
_VERIFY: _Responses = {
    200: {"description": "The challenge", "content": {"text/plain": {}}},
    403: {"model": Refusal, "description": "Wrong verify token or network"},
    405: {"model": Refusal, "description": "The platform has no handshake"},
    **_REFUSED,
}
_BODY: dict[str, object] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
        "description": "As the platform documents it",
    }
}


def create_app(reception: Reception, health: Health) -> FastAPI:
    """The application. Paths are taken with and without the slash at the end."""
    app = FastAPI(
        title="Recado ingress",
        description=DESCRIPTION,
        version="1",
        redoc_url=None,
        redirect_slashes=False,
        # FastAPI's own spans would take over the trace that a sender claims, and cost more than all
        # that is done here.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
        routes=[*routes(health)],
    )

    async def receive(request: Request) -> Response:
        return _response(await reception.receive(_visit(request)))

    async def verify(request: Request) -> Response:
        return _response(await reception.verify(_visit(request)))

    async def refuse_method(request: Request) -> Response:
        return _response(await reception.refuse_method(_visit(request)))

    # HEAD asks what GET answers; whoever asks must have the right token for it, too.
    by_method = {"POST": receive, "GET": verify, "HEAD": verify}
    address = _Address(by_method, refuse_method)
    for path, named in (("/{platform}", False), ("/{platform}/{integration}", True)):
        _document(app, f"{PREFIX}{path}/", receive, verify, named=named)
        for slash in ("/", ""):
            # Ahead of FastAPI's own routes, which say the same to OpenAPI: those resolve parameters
            # and dependencies that there are none of, for each request.
            app.router.routes.insert(0, Route(f"{PREFIX}{path}{slash}", address))
    return app


class _Address:
    """A webhook address for every method: which there are is told after whether it is known."""

    def __init__(self, by_method: Mapping[str, _Endpoint], otherwise: _Endpoint) -> None:
        self._by_method = by_method
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        endpoint = self._by_method.get(scope["method"], self._otherwise)
        try:
            response = await endpoint(Request(scope, receive))
        except ClientDisconnect:
            return  # nobody is there to read an answer
        await response(scope, receive, send)


def _document(
    app: FastAPI, path: str, receive: _Endpoint, verify: _Endpoint, *, named: bool
) -> None:
    suffix = "_of_integration" if named else ""
    extra = {"parameters": _parameters(named=named)}
    app.add_api_route(
        path,
        receive,
        methods=["POST"],
        operation_id=f"receive{suffix}",
        summary="Take a webhook",
        responses=_RECEIVE,
        openapi_extra=extra | _BODY,
        response_model=None,
    )
    app.add_api_route(
        path,
        verify,
        methods=["GET"],
        operation_id=f"verify{suffix}",
        summary="Answer a platform's handshake",
        responses=_VERIFY,
        openapi_extra=extra,
        response_model=None,
    )


def _parameters(*, named: bool) -> list[dict[str, object]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("platform", *(("integration",) if named else ()))
    ]


def _visit(request: Request) -> Visit:
    return Visit(
        platform=request.path_params["platform"],
        integration=request.path_params.get("integration"),
        headers=_headers(request),
        query=dict(request.query_params),
        client_host="" if request.client is None else request.client.host,
        body=request.stream(),
    )


def _headers(request: Request) -> Mapping[str, str]:
    # Where a name is there twice the first counts, as in Starlette's own lookup; but for a list to
    # which some proxies add a line of their own: there the last says most.
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        if headers.setdefault(name, value) is not value and name == FORWARDED_FOR:
            headers[name] += f",{value}"
    return headers


def _response(answer: Answer) -> Response:
    return Response(
        answer.body,
        status_code=answer.status,
        media_type=answer.media_type,
        headers=dict(answer.headers),
    )
