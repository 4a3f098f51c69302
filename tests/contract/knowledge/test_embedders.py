"""What every embedder promises, on each of them."""

import math

import pytest

from recado.knowledge.embedders.cached import CachedEmbedder
from recado.knowledge.embedders.use import UseEmbedder
from recado.knowledge.port import Embedder
from recado.knowledge.testing import WordEmbedder


@pytest.fixture(params=["words", "use", "cached use"], scope="module")
def embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "words":
        return WordEmbedder()
    return UseEmbedder() if request.param == "use" else CachedEmbedder(UseEmbedder())


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


async def test_vectors_have_the_dimensions_that_it_names_and_length_1(embedder: Embedder) -> None:
    vectors = [
        await embedder.embed_query("¿por qué va lento?"),
        *await embedder.embed_passages(["El router", "", "🙂", "a" * 5000]),
    ]
    for vector in vectors:
        assert len(vector) == embedder.dimensions
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-3)


async def test_one_vector_per_passage_in_order_whatever_the_neighbours(embedder: Embedder) -> None:
    texts = ["Reinicia el router.", "Paga la factura.", "Llama al técnico."]
    together = await embedder.embed_passages(texts)
    assert len(together) == 3
    for text, vector in zip(texts, together, strict=True):
        (alone,) = await embedder.embed_passages([text])
        assert cosine(alone, vector) == pytest.approx(1, abs=1e-4)


async def test_no_passages_give_no_vectors(embedder: Embedder) -> None:
    assert await embedder.embed_passages([]) == []


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
