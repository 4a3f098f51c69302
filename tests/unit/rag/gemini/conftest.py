"""The adapter of Gemini before the API's stand-in, or before answers given beforehand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest
from pydantic import JsonValue, SecretStr

from recado.rag import gemini as adapter
from recado.rag.gemini import Gemini, GeminiOptions
from recado.rag.model import Prompt, PromptTurn
from support.gemini_api import BASE_URL, StandIn, error, scripted, stand_in

KEY = SecretStr("gemini-demo-key")
OPTIONS = GeminiOptions(
    model="gemini-3.8-flash",
    base_url=BASE_URL,
    timeout=timedelta(seconds=5),
    temperature=0.2,
)
PROMPT = Prompt(
    version="respuesta-00000000",
    instructions="Responde en español.",
    turns=(
        PromptTurn("user", "Hola"),
        PromptTurn("model", "¿En qué te ayudo?"),
        PromptTurn(
            "user",
            "<fuentes>\n[1] «Internet lento»\nReinicia el router. Espera.\n</fuentes>\n\n¿Y ahora?",
        ),
    ),
)


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once, but for what the other side asks for."""
    monkeypatch.setattr(adapter, "BACKOFF", lambda _state: 0.0)


@dataclass
class World:
    """The stand-in in this process."""

    api: StandIn

    def gemini(self, key: SecretStr = KEY, **changes: object) -> Gemini:
        """The adapter."""
        return Gemini(key, replace(OPTIONS, **changes), self.api.http)  # type: ignore[arg-type]  # by name


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with stand_in() as api:
        yield World(api)


def answering(*answers: httpx.Response | Exception) -> tuple[Gemini, list[httpx.Request]]:
    """The adapter before a server that gives these answers, and what it was asked."""
    http, asked = scripted(*answers)
    return Gemini(KEY, OPTIONS, http), asked


def good(text: str = "Hecho.") -> httpx.Response:
    """An answer."""
    part = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}
    return httpx.Response(200, json={"candidates": [part]})


def quota(*details: dict[str, JsonValue], **headers: str) -> httpx.Response:
    """429 with these details and headers."""
    return error(429, "RESOURCE_EXHAUSTED", *details, **headers)
