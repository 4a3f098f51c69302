"""What every embedder promises, on each of them: the fake, the keyless, and Gemini's two models
against the API's stand-in, over the wire."""

import asyncio
import math
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from recado.devstack.stack.standins import StandIns
from recado.knowledge.embedders.cached import CachedEmbedder
from recado.knowledge.embedders.gemini import GeminiEmbedder, GeminiEmbedderOptions
from recado.knowledge.embedders.use import UseEmbedder
from recado.knowledge.port import Embedder
from recado.knowledge.testing import WordEmbedder

ODD_TEXTS = [
    "",
    "   \n",
    "🙂",
    "\x00",
    "hola \ud83d",
    "a" * 50_000,
    "🧑\u200d🚀" * 700,
    "ñandú " * 400,
]


@pytest.fixture(scope="module")
def keyless() -> UseEmbedder:
    return UseEmbedder()


@pytest.fixture(params=["words", "keyless", "cached", "gemini-001", "gemini-2"])
async def embedder(
    request: pytest.FixtureRequest, keyless: UseEmbedder, standins: StandIns
) -> AsyncIterator[Embedder]:
    match request.param:
        case "words":
            yield WordEmbedder()
        case "keyless":
            yield keyless
        case "cached":
            yield CachedEmbedder(WordEmbedder())
        case variant:
            options = GeminiEmbedderOptions(
                model=f"gemini-embedding-{variant.rpartition('-')[2]}",
                base_url=f"{standins.url}/gemini",
            )
            gemini = GeminiEmbedder(SecretStr("gemini-demo-key"), options)
            yield gemini
            await gemini.aclose()


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


async def test_vectors_have_the_dimensions_that_it_names_and_length_1(embedder: Embedder) -> None:
    vectors = [
        await embedder.embed_query("¿por qué va lento?"),
        *await embedder.embed_passages(["El router", "Paga tu factura en línea."]),
    ]
    for vector in vectors:
        assert len(vector) == embedder.dimensions
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-3)


async def test_any_text_has_a_vector_whatever_is_in_it(embedder: Embedder) -> None:
    """Blank, emoji, control characters, half a surrogate pair, far longer than a model reads."""
    passages = await embedder.embed_passages(ODD_TEXTS)
    queries = [await embedder.embed_query(text) for text in ODD_TEXTS]
    assert len(passages) == len(ODD_TEXTS)
    for vector in (*passages, *queries):
        assert len(vector) == embedder.dimensions
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-3)


async def test_one_vector_per_passage_in_order_whatever_the_neighbours(embedder: Embedder) -> None:
    texts = ["Reinicia el router.", "Paga la factura.", "", "Llama al técnico.", "Paga la factura."]
    together = await embedder.embed_passages(texts)
    assert len(together) == len(texts)
    for text, vector in zip(texts, together, strict=True):
        (alone,) = await embedder.embed_passages([text])
        assert cosine(alone, vector) == pytest.approx(1, abs=1e-4)
    assert cosine(together[0], together[1]) < 0.99


async def test_more_passages_than_one_call_may_have_keep_their_order(embedder: Embedder) -> None:
    texts = [f"Tarifa número {number} del plan {number * 7}." for number in range(230)]
    together = await embedder.embed_passages(texts)
    assert len(together) == len(texts)
    for index in (0, 99, 100, 101, 199, 200, 229):
        (alone,) = await embedder.embed_passages([texts[index]])
        assert cosine(alone, together[index]) == pytest.approx(1, abs=1e-4)


async def test_no_passages_give_no_vectors(embedder: Embedder) -> None:
    assert await embedder.embed_passages([]) == []


async def test_the_same_query_has_the_same_vector(embedder: Embedder) -> None:
    first = await embedder.embed_query("¿cómo pago?")
    assert await embedder.embed_query("¿cómo pago?") == pytest.approx(first, abs=1e-6)


async def test_what_belongs_together_is_nearer_than_what_does_not(embedder: Embedder) -> None:
    query = await embedder.embed_query("como pago mi factura")
    bill, tower = await embedder.embed_passages(
        ["Puedes pagar la factura en línea con tarjeta.", "La antena se instala en el techo."]
    )
    assert cosine(query, bill) > cosine(query, tower)
    assert cosine(query, bill) > embedder.no_answer_similarity


async def test_its_name_tells_it_from_others(embedder: Embedder) -> None:
    assert embedder.name
    assert -1 < embedder.no_answer_similarity < 1


async def test_many_tasks_may_ask_at_once(embedder: Embedder) -> None:
    queries = [f"pregunta {number}" for number in range(24)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(embedder.embed_query(query)) for query in queries]
    for query, task in zip(queries, tasks, strict=True):
        alone = await embedder.embed_query(query)
        assert cosine(alone, task.result()) == pytest.approx(1, abs=1e-4)


# The fakes take microseconds, in which nothing need turn.
@pytest.mark.parametrize("embedder", ["keyless", "gemini-001", "gemini-2"], indirect=True)
async def test_the_event_loop_turns_while_it_embeds(embedder: Embedder) -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    turning = asyncio.create_task(turn())
    await embedder.embed_passages([f"Reinicia el router {number}. " * 30 for number in range(24)])
    turning.cancel()
    await asyncio.wait([turning])
    assert turns > 20


async def test_who_waits_for_it_can_be_cancelled_and_others_are_served(embedder: Embedder) -> None:
    waiting = asyncio.create_task(embedder.embed_passages(["Reinicia el router. " * 50] * 16))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled() or isinstance(embedder, WordEmbedder | CachedEmbedder)
    assert len(await embedder.embed_query("¿sigues ahí?")) == embedder.dimensions
