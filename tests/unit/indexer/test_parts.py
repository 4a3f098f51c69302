"""A document in several parts becomes one version in one step, whatever comes twice or never."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.indexer.indexing import Indexer
from recado.knowledge.chunking import ChunkingOptions
from recado.knowledge.errors import InvalidDocument
from recado.knowledge.model import Chunk, Document
from recado.knowledge.testing import InMemoryKnowledgeBase, InMemoryStore, WordEmbedder
from recado.schemas import ids
from recado.schemas.documents import DocumentSection
from recado.schemas.events import DocumentPartSubmitted, DocumentSubmitted, DocumentWithdrawn, Event
from support import examples

DOCUMENT_ID = ids.document_id("ayuda", "manual.txt")
APART = ChunkingOptions(pack=0)
"""Each section its own chunk."""

OLD = ["La tarifa uno.", "La tarifa dos."]
NEW = ["El precio uno.", "El precio dos.", "El precio tres."]


def submission(digest: str) -> UUID:
    """The id of a version's submission."""
    return ids.submission_id(DOCUMENT_ID, digest * 64, examples.NOW)


def part(number: int, *texts: str, digest: str = "a") -> DocumentPartSubmitted:
    """A part of a version, with a section for each text."""
    return DocumentPartSubmitted(
        id=ids.part_id(submission(digest), number),
        occurred_at=examples.NOW,
        document_id=DOCUMENT_ID,
        submission=submission(digest),
        part=number,
        collection="ayuda",
        source="manual.txt",
        title="El manual",
        media_type="text/plain",
        content_sha256=digest * 64,
        sections=tuple(DocumentSection(text=text) for text in texts),
    )


def final(parts: int, *, digest: str = "a") -> DocumentSubmitted:
    """What makes the parts the document."""
    return DocumentSubmitted(
        id=submission(digest),
        occurred_at=examples.NOW,
        document_id=DOCUMENT_ID,
        collection="ayuda",
        source="manual.txt",
        title="El manual",
        media_type="text/plain",
        content_sha256=digest * 64,
        sections=(),
        parts=parts,
    )


def version(texts: list[str], digest: str) -> list[Event]:
    """All events of a version with one part for each text."""
    parts: list[Event] = [part(n, text, digest=digest) for n, text in enumerate(texts)]
    return [*parts, final(len(texts), digest=digest)]


class Base(InMemoryKnowledgeBase):
    """A store of its own and its embedder, to see what was embedded."""

    def __init__(self) -> None:
        self.embedder = WordEmbedder()
        super().__init__(self.embedder, InMemoryStore())
        self.restart()

    def restart(self) -> None:
        """The process begins anew over the same store."""
        self.indexer = Indexer(self, APART)

    async def handle(self, *events: Event) -> None:
        for event in events:
            await self.indexer.handle(event)

    async def texts(self) -> list[str]:
        passages = (await self.search("tarifa precio uno", n=50)).passages
        return [one.text for one in sorted(passages, key=lambda one: one.position)]


@pytest.fixture
async def base() -> Base:
    base = Base()
    await base.prepare()
    return base


async def test_nothing_is_found_before_the_last_event_and_all_of_it_then(base: Base) -> None:
    await base.handle(part(0, "La tarifa uno.", "La tarifa dos."), part(1, "La tarifa tres."))
    assert await base.texts() == []
    await base.handle(final(2))
    assert await base.texts() == ["La tarifa uno.", "La tarifa dos.", "La tarifa tres."]
    passages = (await base.search("tarifa")).passages
    assert sorted(one.position for one in passages) == [0, 1, 2]


async def test_the_former_version_stands_until_the_last_event_of_the_next(base: Base) -> None:
    await base.handle(*version(OLD, "a"))
    *parts, last = version(NEW, "b")
    for event in parts:
        await base.handle(event)
        assert await base.texts() == OLD
    await base.handle(last)
    assert await base.texts() == NEW


@given(repeats=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.booleans()), max_size=4))
async def test_whatever_stretch_is_delivered_again_the_end_is_the_same_and_nothing_is_refused(
    repeats: list[tuple[int, int, bool]],
) -> None:
    """From any offset on, possibly after all was done, and amid a version that was replaced.

    A rebalance does so without a restart.
    """
    base = Base()
    await base.prepare()
    events = version(OLD, "a") + version(NEW, "b")
    at = 0
    for ahead, back, restarted in repeats:
        upto = min(len(events), at + ahead)
        await base.handle(*events[at:upto])
        at = max(0, upto - back)
        if restarted:
            base.restart()
    await base.handle(*events[at:])
    assert await base.texts() == NEW
    (document,) = await base.documents()
    assert document.chunks == len(NEW)


async def test_a_missing_part_is_named_and_the_former_version_stays(base: Base) -> None:
    await base.handle(*version(OLD, "a"))
    events = version(NEW, "b")
    await base.handle(events[0], events[2])
    with pytest.raises(InvalidDocument, match=r"manual\.txt: part 1 of 3 .* is missing"):
        await base.handle(events[3])
    assert await base.texts() == OLD
    await base.handle(*events)
    assert await base.texts() == NEW


async def test_a_part_missing_behind_another_version_is_told_where_the_process_saw_the_beginning(
    base: Base,
) -> None:
    """Only what was under way before the process was may have been handled and replaced."""
    events = version(NEW, "b")
    await base.handle(*version(OLD, "a"))
    base.restart()
    await base.handle(events[0], events[2])
    with pytest.raises(InvalidDocument, match="part 1 of 3"):
        await base.handle(events[3])
    assert await base.texts() == OLD


async def test_a_submission_without_any_of_its_parts_is_refused(base: Base) -> None:
    with pytest.raises(InvalidDocument, match="part 0 of 2"):
        await base.handle(final(2))
    assert await base.documents() == ()


async def test_the_version_that_is_stored_is_not_embedded_again(base: Base) -> None:
    await base.handle(*version(OLD, "a"))
    embedded = len(base.embedder.embedded)
    await base.handle(*version(OLD, "a"), *version(OLD, "a"))
    assert len(base.embedder.embedded) == embedded == len(OLD)


async def test_an_upload_that_broke_off_is_finished_by_the_next(base: Base) -> None:
    events = version(NEW, "b")
    await base.handle(*version(OLD, "a"), *events[:2], *events)
    assert await base.texts() == NEW


async def test_a_document_in_one_piece_and_one_in_parts_follow_each_other(base: Base) -> None:
    single = final(0, digest="c").model_copy(
        update={"sections": (DocumentSection(text="Solo una tarifa."),)}
    )
    await base.handle(*version(OLD, "a"), single)
    assert await base.texts() == ["Solo una tarifa."]
    await base.handle(*version(NEW, "b"))
    assert await base.texts() == NEW


async def test_a_withdrawn_document_takes_its_staged_parts_along(base: Base) -> None:
    withdrawn = DocumentWithdrawn(
        id=ids.withdrawal_id(DOCUMENT_ID, examples.NOW),
        occurred_at=examples.NOW,
        document_id=DOCUMENT_ID,
        collection="ayuda",
        source="manual.txt",
    )
    *parts, last = version(NEW, "b")
    await base.handle(*version(OLD, "a"), *parts, withdrawn)
    with pytest.raises(InvalidDocument):
        await base.handle(last)
    assert await base.documents() == ()


async def test_a_part_without_text_is_refused(base: Base) -> None:
    with pytest.raises(InvalidDocument, match="part 0 has no text"):
        await base.handle(part(0, "  \n "))


async def test_a_refused_part_leaves_nothing_of_an_earlier_attempt_in_its_place(
    base: Base,
) -> None:
    """The version would be published with a part that was cut otherwise, or with half of one."""
    before, after = version(NEW, "b"), version(NEW, "b")
    await base.handle(*before[:2])
    await base.handle(after[0])
    with pytest.raises(InvalidDocument):
        await base.handle(part(1, " ", digest="b"))
    await base.handle(after[2])
    with pytest.raises(InvalidDocument, match="part 1 of 3"):
        await base.handle(after[3])


async def test_a_part_that_the_store_refuses_is_taken_away_whole() -> None:
    """A store may have written some of its chunks by then."""

    class Refusing(Base):
        async def stage(self, document: Document, part: int, chunks: Sequence[Chunk]) -> None:
            await super().stage(document, part, chunks[:1])
            if len(chunks) > 1:
                raise InvalidDocument(document.source, "a chunk is refused")

    base = Refusing()
    await base.prepare()
    await base.handle(part(0, "La tarifa uno."))
    with pytest.raises(InvalidDocument, match="a chunk is refused"):
        await base.handle(part(1, "La tarifa dos.", "La tarifa tres."))
    await base.handle(part(2, "La tarifa cuatro."))
    with pytest.raises(InvalidDocument, match="part 1 of 3"):
        await base.handle(final(3))
