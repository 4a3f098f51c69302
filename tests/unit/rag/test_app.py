"""What rag does at its start where the knowledge base is down or does not fit."""

from contextlib import AsyncExitStack

import pytest

from recado.knowledge.errors import KnowledgeMisconfigured
from recado.knowledge.port import Embedder, KnowledgeBase
from recado.knowledge.settings import KnowledgeSettings
from recado.knowledge.testing import InMemoryKnowledgeBase, InMemoryStore, WordEmbedder
from recado.rag import app
from recado.rag.settings import RagSettings


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


async def started(rag: app.App) -> None:
    """Its parts opened, and let go of."""
    async with AsyncExitStack() as parts:
        parts.push_async_callback(rag._producer.stop)
        await rag.open_parts(parts)


async def test_a_store_that_does_not_fit_ends_the_service_before_it_takes_a_message(
    store: InMemoryStore,
) -> None:
    """A roll-out with another embedder must not apologise to customers in place of the old rag."""
    store.embedder = "another (3)"
    with pytest.raises(KnowledgeMisconfigured, match="embedder is another"):
        await started(app.App(RagSettings()))


async def test_a_store_that_is_down_or_not_made_yet_is_no_reason_to_end(
    store: InMemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    await started(app.App(RagSettings()))
    store.down = True
    await started(app.App(RagSettings()))
    assert "rag.knowledge_unavailable" in capsys.readouterr().out
