"""The adapter keeps clear of each trap of google-genai, against the Gemini API's stand-in."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from recado.devstack.standins.app import create_app
from recado.devstack.standins.config import Config
from recado.rag import gemini as adapter
from recado.rag.errors import (
    ModelError,
    ModelMisconfigured,
    ModelQuota,
    ModelRefused,
    ModelUnavailable,
)
from recado.rag.gemini import Gemini, GeminiOptions
from recado.rag.model import Prompt, PromptTurn

KEY = SecretStr("gemini-demo-key")
OPTIONS = GeminiOptions(
    model="gemini-3.8-flash",
    base_url="http://stand-in/gemini",
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

    http: httpx.AsyncClient

    def gemini(self, key: SecretStr = KEY, **changes: object) -> Gemini:
        """The adapter."""
        return Gemini(key, replace(OPTIONS, **changes), self.http)  # type: ignore[arg-type]  # by name

    async def fault(self, *faults: dict[str, object]) -> None:
        """Let it have these faults."""
        answer = await self.http.put("http://stand-in/control/faults/gemini", json=list(faults))
        assert answer.status_code == 204, answer.text

    async def requests(self) -> list[dict[str, object]]:
        """What arrived."""
        answer = await self.http.get("http://stand-in/control/requests?platform=gemini")
        found: list[dict[str, object]] = answer.json()["requests"]
        return found


@pytest.fixture
async def world() -> AsyncIterator[World]:
    transport = httpx.ASGITransport(app=create_app(Config()))
    async with httpx.AsyncClient(transport=transport) as http:
        yield World(http)


def scripted(*answers: httpx.Response | Exception) -> tuple[Gemini, list[httpx.Request]]:
    """The adapter before a server that gives these answers, and what it was asked."""
    left = list(answers)
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(given, Exception):
            raise given
        return given

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return Gemini(KEY, OPTIONS, http), asked


def good(text: str = "Hecho.") -> httpx.Response:
    """An answer."""
    part = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}
    return httpx.Response(200, json={"candidates": [part]})


def quota(details: Sequence[dict[str, object]] = (), **headers: str) -> httpx.Response:
    """429 with these details and headers."""
    error = {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED", "details": list(details)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(429, json={"error": error}, headers=named)


async def test_a_prompt_is_answered_and_its_tokens_are_counted(world: World) -> None:
    answered = await world.gemini().generate(PROMPT)
    assert answered.text == "Según la información disponible: Reinicia el router. [1]"
    assert answered.model == "gemini-3.8-flash"
    assert answered.usage is not None
    assert answered.usage.prompt_tokens > 0
    assert answered.usage.output_tokens > 0


async def test_the_path_is_v1beta_and_instructions_turns_and_settings_are_on_the_wire(
    world: World,
) -> None:
    await world.gemini(thinking_level="low").generate(PROMPT)
    (arrived,) = await world.requests()
    assert arrived["path"] == "/v1beta/models/gemini-3.8-flash:generateContent"
    body = arrived["body"]
    assert isinstance(body, dict)
    assert body["systemInstruction"]["parts"][0]["text"] == "Responde en español."
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert body["generationConfig"]["temperature"] == 0.2
    assert body["generationConfig"]["maxOutputTokens"] == 2048
    assert body["generationConfig"]["thinkingConfig"] == {"thinking_level": "LOW"}


async def test_an_environment_meant_for_another_cloud_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library reads these by itself; the adapter's settings must win."""
    monkeypatch.setenv("GOOGLE_API_KEY", "another")
    monkeypatch.setenv("GEMINI_API_KEY", "another")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_GENAI_USE_ENTERPRISE", "true")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "another")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "europe-west1")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:9/")
    await world.gemini().generate(PROMPT)
    assert len(await world.requests()) == 1


async def test_an_importable_aiohttp_does_not_take_the_call_from_our_client(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With it installed the library would switch its asynchronous client to it without a word."""
    from google.genai import _api_client

    monkeypatch.setattr(_api_client, "has_aiohttp", True)
    await world.gemini().generate(PROMPT)
    assert len(await world.requests()) == 1


async def test_the_call_is_made_through_the_client_it_was_given_and_not_httpx2() -> None:
    gemini, asked = scripted(good())
    await gemini.generate(PROMPT)
    assert [request.headers["x-goog-api-key"] for request in asked] == ["gemini-demo-key"]


def test_without_a_key_the_library_is_never_imported() -> None:
    """Its import costs more than a second of CPU; only this module imports it, and not at once."""
    code = (
        "import sys, recado.rag.gemini, recado.rag.gemini_errors\n"
        "sys.exit('imported' if any(m.startswith('google.genai') for m in sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


async def test_an_overloaded_model_is_asked_again(world: World) -> None:
    await world.fault({"kind": "broken", "status": 503, "count": 2})
    assert (await world.gemini().generate(PROMPT)).text
    assert len(await world.requests()) == 3


async def test_a_model_that_stays_broken_is_unavailable_after_so_many_attempts(
    world: World,
) -> None:
    await world.fault({"kind": "broken", "status": 500})
    with pytest.raises(ModelUnavailable, match="500 INTERNAL"):
        await world.gemini(attempts=2).generate(PROMPT)
    assert len(await world.requests()) == 2


@pytest.mark.parametrize(
    "answer",
    [
        quota([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7.5s"}]),
        quota(retry_after="7"),
        httpx.Response(503, json={"error": {"code": 503}}, headers={"Retry-After": "7"}),
    ],
)
async def test_what_the_other_side_asks_for_is_waited(
    answer: httpx.Response,
) -> None:
    """RetryInfo and Retry-After, which the library's own retries ignore."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    asked: list[int] = []

    def respond(_request: httpx.Request) -> httpx.Response:
        asked.append(1)
        return answer if len(asked) == 1 else good()

    http = httpx.AsyncClient(transport=httpx.MockTransport(respond))
    patient = Gemini(KEY, replace(OPTIONS, timeout=timedelta(seconds=20)), http, sleep=sleep)
    assert (await patient.generate(PROMPT)).text == "Hecho."
    assert len(waits) == 1
    assert 7 <= waits[0] <= 8


async def test_a_wait_that_is_longer_than_the_deadline_is_not_begun() -> None:
    gemini, asked = scripted(quota(retry_after="3600"), good())
    with pytest.raises(ModelQuota):
        await gemini.generate(PROMPT)
    assert len(asked) == 1


async def test_a_quota_of_the_day_is_not_tried_again() -> None:
    per_day: dict[str, object] = {
        "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]
    }
    gemini, asked = scripted(quota([per_day]), good())
    with pytest.raises(ModelQuota, match="for the day"):
        await gemini.generate(PROMPT)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("server disconnected without sending a response"),
    ],
)
async def test_what_the_transport_raises_is_unavailable_and_tried_again(
    failure: httpx.HTTPError,
) -> None:
    """These are no `APIError`: the library lets them through as they are."""
    gemini, asked = scripted(failure)
    with pytest.raises(ModelUnavailable, match=type(failure).__name__):
        await gemini.generate(PROMPT)
    assert len(asked) == OPTIONS.attempts
    gemini, _ = scripted(failure, good())
    assert (await gemini.generate(PROMPT)).text == "Hecho."


async def test_the_deadline_is_that_of_the_whole_call(world: World) -> None:
    await world.fault({"kind": "hang"})
    with pytest.raises(ModelUnavailable, match=r"no answer within 0\.2 s"):
        await world.gemini(timeout=timedelta(milliseconds=200)).generate(PROMPT)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("blocked_prompt", "prompt blocked: SAFETY"),
        ("safety", "SAFETY"),
        ("max_tokens", "MAX_TOKENS"),
        ("empty", "no candidates"),
    ],
)
async def test_what_the_library_gives_as_no_text_is_refused_with_its_reason_and_not_repeated(
    world: World, kind: str, reason: str
) -> None:
    await world.fault({"kind": kind})
    with pytest.raises(ModelRefused) as refused:
        await world.gemini().generate(PROMPT)
    assert refused.value.reason == reason
    assert len(await world.requests()) == 1


async def test_half_an_answer_is_no_answer(world: World) -> None:
    """MAX_TOKENS with text: the library would give the beginning of a sentence."""
    with pytest.raises(ModelRefused, match="MAX_TOKENS"):
        await world.gemini(max_output_tokens=5).generate(PROMPT)


async def test_thoughts_are_not_part_of_the_answer() -> None:
    parts = [{"text": "Pienso…", "thought": True}, {"text": "Reinicia."}]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
    gemini, _ = scripted(httpx.Response(200, json={"candidates": [candidate]}))
    assert (await gemini.generate(PROMPT)).text == "Reinicia."


async def test_a_candidate_without_text_is_refused() -> None:
    gemini, _ = scripted(good("  \n"))
    with pytest.raises(ModelRefused, match="no text"):
        await gemini.generate(PROMPT)


async def test_a_page_of_html_with_status_200_is_unavailable(world: World) -> None:
    await world.fault({"kind": "html"})
    with pytest.raises(ModelUnavailable, match="not what the API documents"):
        await world.gemini().generate(PROMPT)


@pytest.mark.parametrize("body", [{"candidates": "x"}, {"candidates": [{"content": 3}]}, [1], 7])
async def test_json_of_another_shape_is_unavailable(body: object) -> None:
    gemini, _ = scripted(httpx.Response(200, text=json.dumps(body)))
    with pytest.raises(ModelError):
        await gemini.generate(PROMPT)


@pytest.mark.parametrize(
    ("build", "status"),
    [
        (lambda world: world.gemini(SecretStr("wrong")), 400),
        (lambda world: world.gemini(model="gemini-0-none"), 404),
    ],
)
async def test_a_wrong_key_or_model_is_a_configuration_error_and_not_repeated(
    world: World, build: Callable[[World], Gemini], status: int
) -> None:
    with pytest.raises(ModelMisconfigured) as wrong:
        await build(world).generate(PROMPT)
    assert wrong.value.status == status
    assert len(await world.requests()) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_without_rights_is_a_configuration_error(status: int) -> None:
    error = {"code": status, "status": "PERMISSION_DENIED", "message": "x"}
    gemini, asked = scripted(httpx.Response(status, json={"error": error}))
    with pytest.raises(ModelMisconfigured):
        await gemini.generate(PROMPT)
    assert len(asked) == 1


async def test_another_400_refuses_this_prompt_only() -> None:
    error = {"code": 400, "status": "INVALID_ARGUMENT", "message": "token count exceeds"}
    gemini, asked = scripted(httpx.Response(400, json={"error": error}))
    with pytest.raises(ModelRefused, match="400 INVALID_ARGUMENT"):
        await gemini.generate(PROMPT)
    assert len(asked) == 1


async def test_no_error_says_the_key_the_prompt_or_the_body() -> None:
    error = {"code": 500, "status": "INTERNAL", "message": f"{KEY.get_secret_value()} ¿Y ahora?"}
    gemini, _ = scripted(httpx.Response(500, json={"error": error}))
    with pytest.raises(ModelUnavailable) as failed:
        await gemini.generate(PROMPT)
    assert "gemini-demo-key" not in str(failed.value)
    assert "ahora" not in str(failed.value)
