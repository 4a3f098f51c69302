"""What OpenAPI says of the HTTP surface, and the routes beside the webhooks.

`http.py` answers webhooks before FastAPI sees them; here they are described.
"""

from typing import Literal, TypeAlias

from fastapi import FastAPI
from pydantic import BaseModel, Field

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


def documentation(health: Health) -> FastAPI:
    """The application that says what there is, and how the service is."""
    app = FastAPI(
        title="Recado ingress",
        description=DESCRIPTION,
        version="1",
        redoc_url=None,
        redirect_slashes=False,
        # Its own spans would take over the trace that a sender claims.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
        routes=[*routes(health)],
    )
    for path, named in (("/{platform}", False), ("/{platform}/{integration}", True)):
        _document(app, f"{PREFIX}{path}/", named=named)
    return app


def _document(app: FastAPI, path: str, *, named: bool) -> None:
    suffix = "_of_integration" if named else ""
    extra = {"parameters": _parameters(named=named)}
    app.add_api_route(
        path,
        _answered_before,
        methods=["POST"],
        operation_id=f"receive{suffix}",
        summary="Take a webhook",
        responses=_RECEIVE,
        openapi_extra=extra | _BODY,
        response_model=None,
    )
    app.add_api_route(
        path,
        _answered_before,
        methods=["GET"],
        operation_id=f"verify{suffix}",
        summary="Answer a platform's handshake",
        responses=_VERIFY,
        openapi_extra=extra,
        response_model=None,
    )


async def _answered_before() -> None:
    raise RuntimeError("a webhook came past the front")


def _parameters(*, named: bool) -> list[dict[str, object]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("platform", *(("integration",) if named else ()))
    ]
