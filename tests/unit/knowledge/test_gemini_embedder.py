"""The Gemini embedder keeps clear of each trap of google-genai, and tells what went wrong."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from recado.devstack.standins.app import create_app
from recado.devstack.standins.config import Config
from recado.knowledge.embedders import gemini as module
from recado.knowledge.embedders.gemini import GeminiEmbedder, GeminiEmbedderOptions, Outcome
from recado.knowledge.errors import EmbedderMisconfigured, KnowledgeUnavailable

KEY = SecretStr("gemini-demo-key")
OPTIONS = GeminiEmbedderOptions(base_url="http://stand-in/gemini", dimensions=256)
SECRET_TEXT = "mi número de contrato es 4711"


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once, but for what the other side asks for."""
    monkeypatch.setattr(module, "BACKOFF", lambda _state: 0.0)


@dataclass
class World:
    """The stand-in in this process."""

    http: httpx.AsyncClient
    outcomes: list[Outcome]

    def embedder(self, key: SecretStr = KEY, **changes: object) -> GeminiEmbedder:
        options = replace(OPTIONS, **changes)  # type: ignore[arg-type]  # by name
        return GeminiEmbedder(key, options, http=self.http, observe=self.outcomes.append)

    async def fault(self, **fault: object) -> None:
        answer = await self.http.put("http://stand-in/control/faults/gemini", json=fault)
        assert answer.status_code == 204, answer.text

    async def requests(self) -> list[dict[str, object]]:
        """The single requests of every batch that arrived."""
        answer = await self.http.get("http://stand-in/control/requests?platform=gemini")
        return [one for call in answer.json()["requests"] for one in call["body"]["requests"]]

    async def calls(self) -> int:
        answer = await self.http.get("http://stand-in/control/requests?platform=gemini")
        return len(answer.json()["requests"])


@pytest.fixture
async def world() -> AsyncIterator[World]:
    transport = httpx.ASGITransport(app=create_app(Config()))
    async with httpx.AsyncClient(transport=transport) as http:
        yield World(http, [])


def scripted(
    *answers: httpx.Response | Exception, **changes: object
) -> tuple[GeminiEmbedder, list[httpx.Request], list[float]]:
    """The embedder before a server that gives these answers; what was asked, and the waits."""
    left = list(answers)
    asked: list[httpx.Request] = []
    waits: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(given, Exception):
            raise given
        return given

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    options = replace(OPTIONS, dimensions=2, **changes)  # type: ignore[arg-type]  # by name
    return GeminiEmbedder(KEY, options, http=http, sleep=sleep), asked, waits


def vectors(*given: list[float]) -> httpx.Response:
    return httpx.Response(200, json={"embeddings": [{"values": values} for values in given]})


def refused(status: int, *details: dict[str, object], **headers: str) -> httpx.Response:
    error = {"code": status, "message": SECRET_TEXT, "status": "X", "details": list(details)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"error": error}, headers=named)


async def test_a_question_and_a_passage_are_embedded_for_their_tasks_and_size(
    world: World,
) -> None:
    embedder = world.embedder()
    await embedder.embed_query("¿cómo pago?")
    await embedder.embed_passages(["Paga con tarjeta."])
    asked, told = await world.requests()
    assert (asked["taskType"], told["taskType"]) == ("RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT")
    assert asked["outputDimensionality"] == 256
    assert asked["content"] == {"parts": [{"text": "¿cómo pago?"}]}


async def test_the_later_model_is_given_the_task_as_a_prefix_and_no_task_type(
    world: World,
) -> None:
    await world.embedder(model="gemini-embedding-2").embed_query("¿cómo pago?")
    (asked,) = await world.requests()
    assert "taskType" not in asked
    assert asked["content"] == {"parts": [{"text": "task: search result | query: ¿cómo pago?"}]}


@pytest.mark.parametrize("model", ["gemini-embedding-001", "gemini-embedding-2"])
async def test_texts_are_not_merged_into_one_vector(world: World, model: str) -> None:
    """The library makes one content of a list of strings for the later model."""
    made = await world.embedder(model=model).embed_passages(["uno", "dos", "tres"])
    assert len(made) == 3
    assert len(await world.requests()) == 3


async def test_a_hundred_texts_go_in_a_call(world: World) -> None:
    await world.embedder().embed_passages([f"texto {number}" for number in range(205)])
    assert await world.calls() == 3
    assert world.outcomes == ["ok"] * 3


async def test_a_merged_answer_is_not_taken() -> None:
    embedder, asked, _ = scripted(vectors([1.0, 0.0]))
    with pytest.raises(EmbedderMisconfigured, match="1 vectors came for 2 texts"):
        await embedder.embed_passages(["uno", "dos"])
    assert len(asked) == 1


async def test_vectors_of_another_size_are_not_taken() -> None:
    embedder, _, _ = scripted(vectors([1.0, 0.0, 0.0]))
    with pytest.raises(EmbedderMisconfigured, match="3 dimensions"):
        await embedder.embed_query("uno")


async def test_a_shortened_vector_is_brought_to_length_1() -> None:
    embedder, _, _ = scripted(vectors([0.3, 0.4]))
    assert await embedder.embed_query("uno") == pytest.approx([0.6, 0.8])


async def test_the_stand_in_shortens_as_the_model_does_and_the_embedder_mends_it(
    world: World,
) -> None:
    body = {"content": {"parts": [{"text": "uno"}]}, "outputDimensionality": 256}
    url = "http://stand-in/gemini/v1beta/models/gemini-embedding-001:embedContent"
    raw = await world.http.post(url, json=body, headers={"x-goog-api-key": "gemini-demo-key"})
    assert math.hypot(*raw.json()["embedding"]["values"]) < 0.9
    assert math.hypot(*await world.embedder().embed_query("uno")) == pytest.approx(1)


@pytest.mark.parametrize("values", [[0.0, 0.0], [float("inf"), 1.0]])
async def test_a_vector_without_a_direction_is_not_taken(values: list[float]) -> None:
    answer = httpx.Response(200, text=json.dumps({"embeddings": [{"values": values}]}))
    embedder, _, _ = scripted(answer)
    with pytest.raises(KnowledgeUnavailable, match="not what the API documents"):
        await embedder.embed_query("uno")


async def test_it_is_named_for_its_model_and_its_size(world: World) -> None:
    assert world.embedder().name == "gemini-embedding-001/256"
    assert world.embedder(dimensions=3072).name == "gemini-embedding-001/3072"


async def test_an_environment_meant_for_another_cloud_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library reads these by itself; the settings must win."""
    from google.genai import _api_client

    monkeypatch.setenv("GOOGLE_API_KEY", "another")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "another")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:9/")
    monkeypatch.setattr(_api_client, "has_aiohttp", True)
    await world.embedder().embed_query("uno")
    assert await world.calls() == 1


@pytest.mark.parametrize("kind", ["rate_limited", "broken", "html"])
async def test_what_passes_is_tried_again(world: World, kind: str) -> None:
    await world.fault(kind=kind, count=2, **({"retry_after": 0} if kind == "rate_limited" else {}))
    assert len(await world.embedder().embed_query("uno")) == 256
    assert await world.calls() == 3
    assert world.outcomes[-1] == "ok"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"kind": "rate_limited", "retry_after": 0}, "quota"),
        ({"kind": "broken", "status": 500}, "unavailable"),
        ({"kind": "html"}, "unavailable"),
    ],
)
async def test_what_does_not_pass_is_unavailable_after_so_many_attempts(
    world: World, fault: dict[str, object], outcome: str
) -> None:
    await world.fault(**fault)
    with pytest.raises(KnowledgeUnavailable):
        await world.embedder(attempts=3).embed_passages(["uno"])
    assert await world.calls() == 3
    assert world.outcomes == [outcome] * 3


async def test_a_slow_answer_is_waited_for_until_the_deadline(world: World) -> None:
    await world.fault(kind="hang")
    embedder = world.embedder(query_timeout=timedelta(milliseconds=200))
    with pytest.raises(KnowledgeUnavailable, match=r"no answer within 0\.2 s"):
        await embedder.embed_query("uno")


@pytest.mark.parametrize(
    "answer",
    [
        refused(429, {"@type": "google.rpc.RetryInfo", "retryDelay": "7.5s"}),
        refused(429, retry_after="7"),
        refused(503, retry_after="7"),
    ],
)
async def test_what_the_other_side_asks_for_is_waited(answer: httpx.Response) -> None:
    embedder, _, waits = scripted(answer, vectors([1.0, 0.0]))
    assert await embedder.embed_query("uno") == [1.0, 0.0]
    assert len(waits) == 1
    assert 7 <= waits[0] <= 8


async def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    embedder, asked, waits = scripted(refused(429, retry_after="3600"))
    with pytest.raises(KnowledgeUnavailable, match="quota"):
        await embedder.embed_passages(["uno"])
    assert (len(asked), waits) == (1, [])


async def test_a_quota_of_the_day_is_not_tried_again() -> None:
    per_day: dict[str, object] = {"violations": [{"quotaId": "EmbedRequestsPerDayPerProject"}]}
    embedder, asked, _ = scripted(refused(429, per_day))
    with pytest.raises(KnowledgeUnavailable, match="quota"):
        await embedder.embed_passages(["uno"])
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
    embedder, asked, _ = scripted(failure)
    with pytest.raises(KnowledgeUnavailable, match=type(failure).__name__):
        await embedder.embed_query("uno")
    assert len(asked) == OPTIONS.attempts
    embedder, _, _ = scripted(failure, vectors([1.0, 0.0]))
    assert await embedder.embed_query("uno") == [1.0, 0.0]


@pytest.mark.parametrize(
    "body", ["[1]", "7", '{"embeddings": 3}', '{"embeddings": [{"values": "x"}]}']
)
async def test_json_of_another_shape_is_an_error_of_ours(body: str) -> None:
    embedder, _, _ = scripted(httpx.Response(200, text=body))
    with pytest.raises((KnowledgeUnavailable, EmbedderMisconfigured)):
        await embedder.embed_query("uno")


async def test_a_wrong_key_is_the_operator_s_to_mend_and_not_tried_again(world: World) -> None:
    with pytest.raises(EmbedderMisconfigured, match="API_KEY_INVALID"):
        await world.embedder(SecretStr("wrong")).embed_query("uno")
    assert await world.calls() == 1
    assert world.outcomes == ["misconfigured"]


@pytest.mark.parametrize("model", ["gemini-embedding-0", "gemini-3.8-flash"])
async def test_a_model_that_does_not_embed_is_the_operator_s_to_mend(
    world: World, model: str
) -> None:
    with pytest.raises(EmbedderMisconfigured, match="404"):
        await world.embedder(model=model).embed_query("uno")
    assert await world.calls() == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_no_error_tells_the_key_or_a_text(status: int) -> None:
    embedder, _, _ = scripted(refused(status))
    with pytest.raises((KnowledgeUnavailable, EmbedderMisconfigured)) as failed:
        await embedder.embed_passages([SECRET_TEXT])
    seen: BaseException | None = failed.value
    while seen is not None:
        assert SECRET_TEXT not in repr(seen)
        assert KEY.get_secret_value() not in repr(seen)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


async def test_few_calls_are_under_way_at_once() -> None:
    under_way = most = 0

    async def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return vectors([1.0, 0.0])

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    embedder = GeminiEmbedder(KEY, replace(OPTIONS, dimensions=2, concurrent_calls=3), http=http)
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(embedder.embed_query(str(number)))
    assert most == 3


async def test_it_closes_its_own_connections_and_not_those_it_was_given(world: World) -> None:
    await world.embedder().aclose()
    assert not world.http.is_closed
    own = GeminiEmbedder(KEY, OPTIONS)
    await own.aclose()
    await own.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await own.embed_query("uno")
