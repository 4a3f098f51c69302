"""The bounded cache of query vectors."""

import tracemalloc

import pytest

from recado.knowledge.embedders.cached import CachedEmbedder
from recado.knowledge.errors import KnowledgeUnavailable
from recado.knowledge.testing import WordEmbedder


class CountingEmbedder(WordEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.queries: list[str] = []
        self.down = False

    async def embed_query(self, text: str) -> list[float]:
        self.queries.append(text)
        if self.down:
            raise KnowledgeUnavailable("the model is down")
        return await super().embed_query(text)


async def test_a_query_is_embedded_once() -> None:
    embedder = CountingEmbedder()
    lookups: list[str] = []
    cached = CachedEmbedder(embedder, observe=lookups.append)
    first = await cached.embed_query("internet lento")
    assert await cached.embed_query("internet lento") == first
    assert embedder.queries == ["internet lento"]
    assert lookups == ["miss", "hit"]


async def test_what_a_caller_does_to_a_vector_stays_with_that_caller() -> None:
    cached = CachedEmbedder(WordEmbedder())
    first = await cached.embed_query("hola")
    expected = list(first)
    first[0] = 99.0
    second = await cached.embed_query("hola")
    second[0] = 77.0
    assert await cached.embed_query("hola") == expected


async def test_the_least_recently_used_goes_first() -> None:
    embedder = CountingEmbedder()
    cached = CachedEmbedder(embedder, max_entries=2)
    for query in ("a1", "b1", "a1", "c1", "a1", "b1"):
        await cached.embed_query(query)
    assert embedder.queries == ["a1", "b1", "c1", "b1"]


async def test_long_queries_take_no_more_memory_than_short_ones() -> None:
    """Their texts are not kept: 50 of 20,000 characters each would be a megabyte."""
    cached = CachedEmbedder(WordEmbedder(dimensions=8), max_entries=50)
    await cached.embed_query("para empezar")
    tracemalloc.start()
    try:
        for number in range(60):
            await cached.embed_query(f"{number} " + "a" * 20_000)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 200_000


async def test_half_a_surrogate_pair_is_a_query_like_any_other() -> None:
    embedder = CountingEmbedder()
    cached = CachedEmbedder(embedder)
    for _ in range(2):
        await cached.embed_query("hola \ud83d")
    assert len(embedder.queries) == 1


async def test_a_failure_is_not_remembered() -> None:
    embedder = CountingEmbedder()
    cached = CachedEmbedder(embedder)
    embedder.down = True
    with pytest.raises(KnowledgeUnavailable):
        await cached.embed_query("hola")
    embedder.down = False
    assert len(await cached.embed_query("hola")) == embedder.dimensions


async def test_it_is_the_embedder_that_it_wraps() -> None:
    embedder = WordEmbedder("palabras", 32)
    cached = CachedEmbedder(embedder)
    assert (cached.name, cached.dimensions) == ("palabras", 32)
    assert cached.no_answer_similarity == embedder.no_answer_similarity
    assert await cached.embed_passages(["hola"]) == [await embedder.embed_query("hola")]


def test_a_cache_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        CachedEmbedder(WordEmbedder(), max_entries=0)
