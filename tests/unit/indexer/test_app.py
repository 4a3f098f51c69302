"""What the indexer does at its start where the store is down or does not fit."""

from contextlib import AsyncExitStack

import pytest

from recado.indexer import app
from recado.indexer.settings import IndexerSettings
from recado.knowledge.errors import KnowledgeMisconfigured
from recado.knowledge.port import Embedder, KnowledgeBase
from recado.knowledge.settings import KnowledgeSettings
from recado.knowledge.testing import InMemoryKnowledgeBase, InMemoryStore, WordEmbedder


class OwnWordEmbedder(WordEmbedder):
    """As a service holds it."""

    async def load(self) -> None:
        return

    async def aclose(self) -> None:
        return


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> InMemoryStore:
    """The store of each app that is made."""
    store = InMemoryStore()

    def knowledge(settings: KnowledgeSettings, embedder: Embedder) -> KnowledgeBase:
        return InMemoryKnowledgeBase(embedder, store)

    monkeypatch.setattr(app, "make_knowledge", knowledge)
    monkeypatch.setattr(app, "make_embedder", lambda settings, observe: OwnWordEmbedder())
    return store


async def test_a_store_that_is_down_at_the_start_is_waited_for(store: InMemoryStore) -> None:
    """Kafka is asked for records all the same, and the first of them waits."""
    store.down = True
    indexer = app.App(IndexerSettings())
    async with AsyncExitStack() as parts:
        await indexer.open_parts(parts)
    assert await indexer._knowledge_problem() == "the store is down"
    store.down = False
    assert await indexer._knowledge_problem() is None


async def test_a_store_that_does_not_fit_ends_the_service(store: InMemoryStore) -> None:
    store.embedder = "another (3)"
    indexer = app.App(IndexerSettings())
    async with AsyncExitStack() as parts:
        with pytest.raises(KnowledgeMisconfigured, match="another"):
            await indexer.open_parts(parts)
