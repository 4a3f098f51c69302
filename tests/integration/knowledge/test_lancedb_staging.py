"""Staged versions in LanceDB: several processes, leftovers, and what is kept of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid5

import lancedb
import pytest

from recado.knowledge import Chunk, Document, InvalidDocument
from recado.knowledge.lancedb import LanceKnowledgeBase
from recado.knowledge.testing import WordEmbedder

NAMESPACE = UUID("6a1f0b1c-93c4-4c6e-8a55-0c7f6d3b2e11")
Connect = Callable[[], LanceKnowledgeBase]


@pytest.fixture
async def connect(tmp_path: Path) -> AsyncIterator[Connect]:
    """Another connection to one store, as another process has it."""
    async with AsyncExitStack() as connections:

        def make() -> LanceKnowledgeBase:
            base = LanceKnowledgeBase(tmp_path / "knowledge", WordEmbedder())
            connections.push_async_callback(base.close)
            return base

        yield make


def manual(version: str) -> Document:
    return Document(uuid5(NAMESPACE, "manual"), "manual.txt", "Manual", "es", version * 64, ())


def chunks(document: Document, first: int, count: int) -> list[Chunk]:
    """The chunks of a version at these positions."""
    return [
        Chunk(
            document_id=document.id,
            position=position,
            title=document.title,
            section="",
            text=f"Tarifa {document.content_sha256[0]} número {position}.",
            page=None,
            source=document.source,
            content_sha256=document.content_sha256,
        )
        for position in range(first, first + count)
    ]


async def stage(base: LanceKnowledgeBase, document: Document, *sizes: int) -> None:
    for part, size in enumerate(sizes):
        first = await base.staged(document, part)
        await base.stage(document, part, chunks(document, first, size))


async def rows(path: Path) -> int:
    """All rows of the table, seen or not."""
    connection = await lancedb.connect_async(str(path / "knowledge"))
    return await (await connection.open_table("passages")).count_rows()


async def versions(base: LanceKnowledgeBase) -> list[tuple[str, int]]:
    """Mark and position of each chunk that a search finds."""
    found = (await base.search("tarifa número", 50)).passages
    return sorted((one.content_sha256[0], one.position) for one in found)


async def test_an_upload_goes_on_in_another_process(connect: Connect, tmp_path: Path) -> None:
    """The indexer may die between two parts, and between the last one and publishing."""
    one = manual("1")
    first, second, reader = connect(), connect(), connect()
    await stage(first, one, 3)
    assert await second.staged(one, before=1) == 3
    await second.stage(one, 1, chunks(one, 3, 2))
    third = connect()
    assert await third.staged(one, before=2) == 5
    assert await versions(reader) == []
    await third.publish(one, 5)
    assert await versions(reader) == [("1", position) for position in range(5)]
    assert await rows(tmp_path) == 5


async def test_publishing_leaves_no_row_of_another_version(
    connect: Connect, tmp_path: Path
) -> None:
    """Neither of the former one nor of one that was staged and given up."""
    base = connect()
    await stage(base, manual("1"), 4)
    await base.publish(manual("1"), 4)
    await stage(base, manual("2"), 2, 2)
    await stage(base, manual("3"), 3)
    await base.publish(manual("3"), 3)
    assert await versions(base) == [("3", 0), ("3", 1), ("3", 2)]
    assert await rows(tmp_path) == 3


async def test_a_version_in_one_piece_leaves_no_staged_row(
    connect: Connect, tmp_path: Path
) -> None:
    base = connect()
    await stage(base, manual("1"), 4)
    await base.replace(manual("2"), chunks(manual("2"), 0, 2))
    assert await base.staged(manual("1"), before=9) == 0
    assert await rows(tmp_path) == 2


async def test_withdrawing_leaves_no_staged_row(connect: Connect, tmp_path: Path) -> None:
    """Also where the document was never published."""
    base = connect()
    await stage(base, manual("1"), 4)
    assert await base.withdraw(manual("1").id) is False
    assert await rows(tmp_path) == 0


async def test_a_crash_after_the_switch_leaves_nothing_that_is_seen(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The former version's rows go in a second commit; publishing again makes it."""

    class Crash(Exception):
        pass

    async def crash(*_: object) -> None:
        raise Crash

    base = connect()
    await stage(base, manual("1"), 4)
    await base.publish(manual("1"), 4)
    await stage(base, manual("2"), 2, 1)
    with monkeypatch.context() as patched:
        patched.setattr("recado.knowledge.lancedb_staging.forget_staged", crash)
        with pytest.raises(Crash):
            await base.publish(manual("2"), 3)
    assert await rows(tmp_path) == 7
    assert await versions(base) == [("2", 0), ("2", 1), ("2", 2)]
    stored = await base.stored(manual("2").id)
    assert stored is not None
    assert (stored.content_sha256[0], stored.chunks) == ("2", 3)
    assert await base.staged(manual("2"), before=2) == 0
    await base.publish(manual("2"), 3)
    assert await rows(tmp_path) == 3


async def test_staged_and_live_chunks_of_one_version_are_not_mixed_up(connect: Connect) -> None:
    """The same content submitted again is the same document, each chunk once."""
    base = connect()
    await base.replace(manual("1"), chunks(manual("1"), 0, 3))
    await stage(base, manual("1"), 2, 2)
    assert await versions(base) == [("1", 0), ("1", 1), ("1", 2)]
    await base.publish(manual("1"), 4)
    assert await versions(base) == [("1", position) for position in range(4)]


async def test_positions_with_a_gap_or_twice_are_refused_and_change_nothing(
    connect: Connect,
) -> None:
    base = connect()
    await stage(base, manual("1"), 1)
    await base.publish(manual("1"), 1)
    two = manual("2")
    await base.stage(two, 0, chunks(two, 0, 2))
    await base.stage(two, 1, chunks(two, 1, 2))
    with pytest.raises(InvalidDocument, match=r"manual\.txt"):
        await base.publish(two, 4)
    await base.stage(two, 1, chunks(two, 3, 2))
    with pytest.raises(InvalidDocument, match=r"manual\.txt"):
        await base.publish(two, 4)
    assert await versions(base) == [("1", 0)]


async def test_other_documents_are_not_touched(connect: Connect) -> None:
    base = connect()
    other = replace(manual("9"), id=uuid5(NAMESPACE, "otro"), source="otro.txt")
    await base.replace(other, chunks(other, 0, 2))
    await stage(base, other, 1)
    await stage(base, manual("1"), 2)
    await base.publish(manual("1"), 2)
    assert await versions(base) == [("1", 0), ("1", 1), ("9", 0), ("9", 1)]
    assert await base.staged(other, before=1) == 1
