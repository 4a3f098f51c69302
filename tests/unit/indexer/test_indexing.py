"""The indexer brings the knowledge base to what the events say, however often they come."""

from datetime import UTC, datetime

import pytest

from recado.indexer.indexing import Indexer
from recado.knowledge.errors import InvalidDocument, KnowledgeUnavailable
from recado.knowledge.testing import InMemoryKnowledgeBase, InMemoryStore, WordEmbedder
from recado.schemas import ids
from recado.schemas.documents import DocumentSection
from recado.schemas.events import DocumentSubmitted, DocumentWithdrawn
from support import examples

DOCUMENT_ID = ids.document_id("ayuda", "factura.md")


def submitted(text: str, *, title: str = "Tu factura", digest: str = "a") -> DocumentSubmitted:
    """A version of the document."""
    sha256 = digest * 64
    return DocumentSubmitted(
        id=ids.submission_id(DOCUMENT_ID, sha256),
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        document_id=DOCUMENT_ID,
        collection="ayuda",
        source="factura.md",
        title=title,
        media_type="text/markdown",
        content_sha256=sha256,
        sections=(DocumentSection(path=("Fechas",), text=text),) if text else (),
    )


WITHDRAWN = DocumentWithdrawn(
    id=ids.withdrawal_id(DOCUMENT_ID, examples.NOW),
    occurred_at=examples.NOW,
    document_id=DOCUMENT_ID,
    collection="ayuda",
    source="factura.md",
)


@pytest.fixture
def store() -> InMemoryStore:
    return InMemoryStore()


@pytest.fixture
async def knowledge(store: InMemoryStore) -> InMemoryKnowledgeBase:
    knowledge = InMemoryKnowledgeBase(WordEmbedder(), store)
    await knowledge.open()
    await knowledge.prepare()
    return knowledge


async def test_a_submitted_document_is_found(knowledge: InMemoryKnowledgeBase) -> None:
    await Indexer(knowledge).handle(submitted("La factura vence el día 15."))
    found = await knowledge.search("vence factura")
    assert found.passages[0].text == "La factura vence el día 15."
    assert found.passages[0].section == "Fechas"


async def test_a_new_version_replaces_all_of_the_old_one(
    knowledge: InMemoryKnowledgeBase,
) -> None:
    indexer = Indexer(knowledge)
    await indexer.handle(submitted("Vence el día 15."))
    await indexer.handle(submitted("Vence el día 20.", digest="b"))
    texts = [passage.text for passage in (await knowledge.search("vence día", n=50)).passages]
    assert texts == ["Vence el día 20."]


async def test_a_version_that_is_stored_is_not_embedded_again(store: InMemoryStore) -> None:
    embedder = WordEmbedder()
    indexer = Indexer(InMemoryKnowledgeBase(embedder, store))
    for _ in range(3):
        await indexer.handle(submitted("Vence el día 15."))
    assert len(embedder.embedded) == 1


async def test_the_same_file_read_in_another_way_is_a_change(
    knowledge: InMemoryKnowledgeBase,
) -> None:
    """By a newer Recado, say, when all is submitted again: same hash, as many chunks."""
    indexer = Indexer(knowledge)
    await indexer.handle(submitted("Vence el d?a 15."))
    await indexer.handle(submitted("Vence el día 15."))
    texts = [passage.text for passage in (await knowledge.search("vence día", n=50)).passages]
    assert texts == ["Vence el día 15."]


async def test_a_new_title_alone_is_a_change(knowledge: InMemoryKnowledgeBase) -> None:
    indexer = Indexer(knowledge)
    await indexer.handle(submitted("Vence el día 15."))
    await indexer.handle(submitted("Vence el día 15.", title="La factura"))
    (document,) = await knowledge.documents()
    assert document.title == "La factura"


async def test_a_withdrawn_document_is_found_no_more(knowledge: InMemoryKnowledgeBase) -> None:
    indexer = Indexer(knowledge)
    await indexer.handle(submitted("Vence el día 15."))
    await indexer.handle(WITHDRAWN)
    await indexer.handle(WITHDRAWN)
    assert await knowledge.documents() == ()


async def test_a_document_without_text_is_refused_and_the_old_version_stays(
    knowledge: InMemoryKnowledgeBase,
) -> None:
    indexer = Indexer(knowledge)
    await indexer.handle(submitted("Vence el día 15."))
    with pytest.raises(InvalidDocument, match=r"factura\.md"):
        await indexer.handle(submitted("", digest="b"))
    assert len(await knowledge.documents()) == 1


async def test_a_store_that_is_down_is_told_from_a_bad_document(
    knowledge: InMemoryKnowledgeBase, store: InMemoryStore
) -> None:
    store.down = True
    with pytest.raises(KnowledgeUnavailable):
        await Indexer(knowledge).handle(submitted("Vence el día 15."))


async def test_events_about_other_things_change_nothing(
    knowledge: InMemoryKnowledgeBase,
) -> None:
    await Indexer(knowledge).handle(examples.MESSAGE_RECEIVED)
    assert await knowledge.documents() == ()
