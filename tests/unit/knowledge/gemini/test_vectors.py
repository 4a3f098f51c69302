"""What is asked of the API, and that each text gets one vector of length 1."""

import asyncio
import json
import math
from dataclasses import replace

import httpx
import pytest

from recado.knowledge.embedders.gemini import GeminiEmbedder
from recado.knowledge.errors import EmbedderMisconfigured, KnowledgeUnavailable
from support.gemini_api import ANOTHER_CLOUD, BASE_URL

from .conftest import KEY, OPTIONS, World, answering, vectors


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
    embedder, asked, _ = answering(vectors([1.0, 0.0]))
    with pytest.raises(EmbedderMisconfigured, match="1 vectors came for 2 texts"):
        await embedder.embed_passages(["uno", "dos"])
    assert len(asked) == 1


async def test_vectors_of_another_size_are_not_taken() -> None:
    embedder, _, _ = answering(vectors([1.0, 0.0, 0.0]))
    with pytest.raises(EmbedderMisconfigured, match="3 dimensions"):
        await embedder.embed_query("uno")


async def test_a_shortened_vector_is_brought_to_length_1() -> None:
    embedder, _, _ = answering(vectors([0.3, 0.4]))
    assert await embedder.embed_query("uno") == pytest.approx([0.6, 0.8])


async def test_the_stand_in_shortens_as_the_model_does_and_the_embedder_mends_it(
    world: World,
) -> None:
    body = {"content": {"parts": [{"text": "uno"}]}, "outputDimensionality": 256}
    url = f"{BASE_URL}/v1beta/models/gemini-embedding-001:embedContent"
    raw = await world.api.http.post(url, json=body, headers={"x-goog-api-key": "gemini-demo-key"})
    assert math.hypot(*raw.json()["embedding"]["values"]) < 0.9
    assert math.hypot(*await world.embedder().embed_query("uno")) == pytest.approx(1)


@pytest.mark.parametrize("values", [[0.0, 0.0], [float("inf"), 1.0]])
async def test_a_vector_without_a_direction_is_not_taken(values: list[float]) -> None:
    answer = httpx.Response(200, text=json.dumps({"embeddings": [{"values": values}]}))
    embedder, _, _ = answering(answer)
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

    for variable, value in ANOTHER_CLOUD.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(_api_client, "has_aiohttp", True)
    await world.embedder().embed_query("uno")
    assert await world.calls() == 1


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
    assert not world.api.http.is_closed
    own = GeminiEmbedder(KEY, OPTIONS)
    await own.aclose()
    await own.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await own.embed_query("uno")
