"""The Gemini embedder before the API's stand-in, or before answers given beforehand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx
import pytest
from pydantic import JsonValue, SecretStr

from recado.knowledge.embedders import gemini as module
from recado.knowledge.embedders.gemini import GeminiEmbedder, GeminiEmbedderOptions, Outcome
from support.gemini_api import BASE_URL, StandIn, error, scripted, stand_in

KEY = SecretStr("gemini-demo-key")
OPTIONS = GeminiEmbedderOptions(base_url=BASE_URL, dimensions=256)
SECRET_TEXT = "mi número de contrato es 4711"


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once, but for what the other side asks for."""
    monkeypatch.setattr(module, "BACKOFF", lambda _state: 0.0)


@dataclass
class World:
    """The stand-in in this process."""

    api: StandIn
    outcomes: list[Outcome]

    def embedder(self, key: SecretStr = KEY, **changes: object) -> GeminiEmbedder:
        options = replace(OPTIONS, **changes)  # type: ignore[arg-type]  # by name
        return GeminiEmbedder(key, options, http=self.api.http, observe=self.outcomes.append)

    async def requests(self) -> list[dict[str, object]]:
        """The single requests of every batch that arrived."""
        bodies = [call["body"] for call in await self.api.calls()]
        return [one for body in bodies if isinstance(body, dict) for one in body["requests"]]

    async def calls(self) -> int:
        return len(await self.api.calls())


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with stand_in() as api:
        yield World(api, [])


def answering(
    *answers: httpx.Response | Exception,
) -> tuple[GeminiEmbedder, list[httpx.Request], list[float]]:
    """The embedder before a server that gives these answers; what was asked, and the waits."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    http, asked = scripted(*answers)
    options = replace(OPTIONS, dimensions=2)
    return GeminiEmbedder(KEY, options, http=http, sleep=sleep), asked, waits


def vectors(*given: list[float]) -> httpx.Response:
    return httpx.Response(200, json={"embeddings": [{"values": values} for values in given]})


def refused(status: int, *details: dict[str, JsonValue], **headers: str) -> httpx.Response:
    """An error that repeats what it was asked."""
    return error(status, "X", *details, message=SECRET_TEXT, **headers)
