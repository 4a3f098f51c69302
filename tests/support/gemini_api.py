"""The Gemini API in this process: its stand-in, which has faults, or answers given beforehand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from pydantic import JsonValue

from recado.devstack.standins.app import create_app
from recado.devstack.standins.config import Config

ROOT = "http://stand-in"
BASE_URL = f"{ROOT}/gemini"

ANOTHER_CLOUD = {
    "GOOGLE_API_KEY": "another",
    "GEMINI_API_KEY": "another",
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "GOOGLE_GENAI_USE_ENTERPRISE": "true",
    "GOOGLE_CLOUD_PROJECT": "another",
    "GOOGLE_CLOUD_LOCATION": "europe-west1",
    "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9/",
}
"""Variables that google-genai reads by itself."""

TRANSPORT_FAILURES = (
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("slow"),
    httpx.RemoteProtocolError("server disconnected without sending a response"),
)


@dataclass(frozen=True)
class StandIn:
    """The API's stand-in behind an HTTP client."""

    http: httpx.AsyncClient

    async def fault(self, *faults: dict[str, JsonValue]) -> None:
        """Let it have these faults."""
        answer = await self.http.put(f"{ROOT}/control/faults/gemini", json=list(faults))
        assert answer.status_code == 204, answer.text

    async def calls(self) -> list[dict[str, object]]:
        """What arrived, call by call."""
        answer = await self.http.get(f"{ROOT}/control/requests?platform=gemini")
        found: list[dict[str, object]] = answer.json()["requests"]
        return found


@asynccontextmanager
async def stand_in() -> AsyncIterator[StandIn]:
    """One that nothing has been asked of yet."""
    transport = httpx.ASGITransport(app=create_app(Config()))
    async with httpx.AsyncClient(transport=transport) as http:
        yield StandIn(http)


def scripted(
    *answers: httpx.Response | Exception,
) -> tuple[httpx.AsyncClient, list[httpx.Request]]:
    """A client of a server that gives these answers, the last of them ever after; what it asked."""
    left = list(answers)
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(given, Exception):
            raise given
        return given

    return httpx.AsyncClient(transport=httpx.MockTransport(answer)), asked


def error(
    status: int, name: str, *details: dict[str, JsonValue], message: str = "x", **headers: str
) -> httpx.Response:
    """An error as the API documents it. Of a header's name `_` is `-`."""
    body = {"code": status, "status": name, "message": message, "details": list(details)}
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    return httpx.Response(status, json={"error": body}, headers=named)
