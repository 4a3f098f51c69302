"""A search that fails is told in the retrieval, in the log and in readiness, and never raised."""

from datetime import timedelta

import pytest

from recado.knowledge.errors import EmbedderMisconfigured
from recado.knowledge.testing import InMemoryKnowledgeBase, InMemoryStore, WordEmbedder
from recado.rag.retrieval import Retriever


class RefusedEmbedder(WordEmbedder):
    """Its key is refused until it is mended."""

    mended = False

    async def embed_query(self, text: str) -> list[float]:
        if not self.mended:
            raise EmbedderMisconfigured("gemini", "the API refuses its key")
        return await super().embed_query(text)


async def retriever(embedder: WordEmbedder, store: InMemoryStore) -> Retriever:
    """Over a collection that the words' embedder made."""
    await InMemoryKnowledgeBase(WordEmbedder(), store).prepare()
    return Retriever(InMemoryKnowledgeBase(embedder, store), timeout=timedelta(seconds=5))


@pytest.fixture
def store() -> InMemoryStore:
    return InMemoryStore()


async def test_a_collection_of_another_embedder_is_told_with_what_differs(
    store: InMemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    retrieving = await retriever(WordEmbedder("other"), store)
    told = await retrieving.misconfigured()
    assert told is not None
    assert "embedder is words (256) in the store and other (256) here" in told
    assert await retrieving.problem() == told
    retrieval, _ = await retrieving.retrieve("¿Cómo pago?")
    assert retrieval.error == "KnowledgeMisconfigured"
    assert "embedder is words (256) in the store" in capsys.readouterr().out


async def test_an_embedder_s_refused_key_is_told_until_a_search_is_answered(
    store: InMemoryStore,
) -> None:
    embedder = RefusedEmbedder()
    retrieving = await retriever(embedder, store)
    assert await retrieving.misconfigured() is None
    retrieval, _ = await retrieving.retrieve("¿Cómo pago?")
    assert retrieval.error == "EmbedderMisconfigured"
    for told in (await retrieving.misconfigured(), await retrieving.problem()):
        assert told == "embedder 'gemini' can't be used: the API refuses its key"
    embedder.mended = True
    retrieval, _ = await retrieving.retrieve("¿Cómo pago?")
    assert retrieval.error is None
    assert await retrieving.misconfigured() is None
    assert await retrieving.problem() is None


async def test_an_outage_is_a_problem_and_no_wrong_configuration(store: InMemoryStore) -> None:
    retrieving = await retriever(WordEmbedder(), store)
    store.down = True
    assert await retrieving.problem() == "the store is down"
    assert await retrieving.misconfigured() is None
