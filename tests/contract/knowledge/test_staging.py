"""What every store promises of documents that come in parts (see recado.knowledge.port)."""

import asyncio
from dataclasses import replace

import pytest

from recado.knowledge import Chunk, Document, InvalidDocument, KnowledgeBase, chunk_document
from recado.knowledge.testing import WordEmbedder
from support.knowledge import APART, CAMERAS, ROUTER, Connect, page, put, sources


def parts_of(document: Document, size: int = 2) -> list[list[Chunk]]:
    chunks = chunk_document(document, APART)
    return [chunks[start : start + size] for start in range(0, len(chunks), size)]


LONG = page("manual.md", "El manual", *[f"Capítulo {n} del decodificador." for n in range(5)])
LONGER = page(
    "manual.md", "El manual", *[f"Lección {n} del decodificador." for n in range(6)], version="2"
)


async def stage_all(base: KnowledgeBase, document: Document) -> int:
    staged = 0
    for part, chunks in enumerate(parts_of(document)):
        await base.stage(document, part, chunks)
        staged += len(chunks)
    return staged


async def marks(base: KnowledgeBase, query: str = "decodificador") -> list[str]:
    return [found.content_sha256[0] for found in (await base.search(query, 20)).passages]


async def test_a_version_in_parts_is_seen_when_it_is_published_and_not_before(
    connect: Connect, base: KnowledgeBase, embedder: WordEmbedder
) -> None:
    writer = connect(embedder)
    await writer.open()
    await put(writer, ROUTER)
    staged = await stage_all(writer, LONG)
    assert await marks(base) == ["1", "1"]  # the router's, which share nothing with the query
    assert await sources(base, "decodificador") == ["router.md", "router.md"]
    assert await base.stored(LONG.id) is None
    assert [stored.source for stored in await base.documents()] == ["router.md"]
    await writer.publish(LONG, staged)
    assert (await sources(base, "decodificador", 5)) == ["manual.md"] * 5
    stored = await base.stored(LONG.id)
    assert stored is not None
    assert (stored.source, stored.title, stored.content_sha256, stored.chunks) == (
        *(LONG.source, LONG.title, LONG.content_sha256),
        5,
    )


async def test_what_is_published_are_the_chunks_that_were_staged(base: KnowledgeBase) -> None:
    await base.publish(LONG, await stage_all(base, LONG))
    found = sorted((await base.search("decodificador", 20)).passages, key=lambda one: one.position)
    whole = chunk_document(LONG, APART)
    assert [(one.id, one.text, one.position) for one in found] == [
        (chunk.id, chunk.text, chunk.position) for chunk in whole
    ]


async def test_staged_counts_the_parts_below_and_of_this_version_only(
    base: KnowledgeBase,
) -> None:
    assert await base.staged(LONG, 3) == 0
    await stage_all(base, LONG)
    assert [await base.staged(LONG, before) for before in range(4)] == [0, 2, 4, 5]
    assert await base.staged(LONGER, 3) == 0


async def test_another_process_goes_on_where_the_first_one_stopped(
    connect: Connect, base: KnowledgeBase, embedder: WordEmbedder
) -> None:
    """As it is after a crash of the indexer between two parts."""
    first = connect(embedder)
    await first.open()
    parts = parts_of(LONG)
    await first.stage(LONG, 0, parts[0])
    await first.close()
    assert await base.staged(LONG, 1) == 2
    for part in (1, 2):
        await base.stage(LONG, part, parts[part])
    await base.publish(LONG, 5)
    assert len(await marks(base)) == 5


async def test_staging_a_part_again_takes_the_place_of_itself(base: KnowledgeBase) -> None:
    parts = parts_of(LONG)
    await stage_all(base, LONG)
    await base.stage(LONG, 2, [parts[2][0], replace(parts[2][0], position=5, text="Anexo.")])
    assert await base.staged(LONG, 3) == 6
    await base.stage(LONG, 2, parts[2])
    assert await base.staged(LONG, 3) == 5
    await base.stage(LONG, 2, [])
    assert await base.staged(LONG, 3) == 4
    await base.publish(LONG, 4)
    assert len(await marks(base)) == 4


async def test_staging_a_part_again_takes_away_what_is_staged_behind_it(
    base: KnowledgeBase,
) -> None:
    """What comes after a crash may be cut into fewer parts than what was staged before it."""
    for part, chunks in enumerate(parts_of(LONG, size=1)):
        await base.stage(LONG, part, chunks)
    first, *others = parts_of(LONG, size=3)
    await base.stage(LONG, 0, first)
    assert await base.staged(LONG, 9) == 3
    for part, chunks in enumerate(others, start=1):
        await base.stage(LONG, part, chunks)
    await base.publish(LONG, 5)
    assert len(await marks(base)) == 5


async def test_publishing_again_changes_nothing(base: KnowledgeBase) -> None:
    staged = await stage_all(base, LONG)
    await base.publish(LONG, staged)
    await base.publish(LONG, staged)
    assert await marks(base) == ["1"] * 5
    with pytest.raises(InvalidDocument):
        await base.publish(LONG, staged + 1)
    assert await marks(base) == ["1"] * 5


@pytest.mark.parametrize("chunks", [0, 4, 6])
async def test_a_version_that_is_not_whole_is_not_published(
    base: KnowledgeBase, chunks: int
) -> None:
    await put(base, LONGER)
    await stage_all(base, LONG)
    with pytest.raises(InvalidDocument):
        await base.publish(LONG, chunks)
    assert await marks(base) == ["2"] * 6


async def test_a_version_with_a_part_missing_is_not_published(base: KnowledgeBase) -> None:
    parts = parts_of(LONG)
    await base.stage(LONG, 0, parts[0])
    await base.stage(LONG, 2, parts[2])
    with pytest.raises(InvalidDocument):
        await base.publish(LONG, 3)
    with pytest.raises(InvalidDocument):
        await base.publish(LONG, 5)
    assert await base.stored(LONG.id) is None


async def test_a_version_in_parts_takes_the_place_of_one_in_a_piece_and_back(
    base: KnowledgeBase,
) -> None:
    await put(base, LONG)
    await base.publish(LONGER, await stage_all(base, LONGER))
    assert await marks(base) == ["2"] * 6
    await put(base, LONG)
    assert await marks(base) == ["1"] * 5
    await base.publish(LONGER, await stage_all(base, LONGER))
    assert await marks(base) == ["2"] * 6


@pytest.mark.parametrize("by", ["publish", "replace", "withdraw"])
async def test_what_was_staged_and_never_published_goes_with_the_next_write(
    base: KnowledgeBase, by: str
) -> None:
    await put(base, ROUTER)
    await stage_all(base, LONG)
    if by == "publish":
        await base.publish(LONGER, await stage_all(base, LONGER))
    elif by == "replace":
        await put(base, LONGER)
    else:
        assert await base.withdraw(LONG.id) is False
    assert await base.staged(LONG, 10) == 0
    with pytest.raises(InvalidDocument):
        await base.publish(LONG, 5)


async def test_chunks_of_another_document_or_out_of_order_are_not_staged(
    base: KnowledgeBase,
) -> None:
    one, *_, last = chunk_document(LONG, APART)
    with pytest.raises(InvalidDocument):
        await base.stage(LONG, 0, chunk_document(CAMERAS, APART))
    with pytest.raises(InvalidDocument):
        await base.stage(LONGER, 0, [one])
    with pytest.raises(InvalidDocument):
        await base.stage(LONG, 0, [one, last])
    assert await base.staged(LONG, 1) == 0


async def test_no_search_sees_a_version_that_is_being_staged_or_two_that_change_places(
    connect: Connect, base: KnowledgeBase, embedder: WordEmbedder
) -> None:
    writer = connect(embedder)
    await writer.open()
    await put(writer, LONG)
    done = asyncio.Event()

    async def write() -> None:
        for _ in range(3):
            for version in (LONGER, LONG):
                await writer.publish(version, await stage_all(writer, version))
        done.set()

    async def read() -> set[tuple[str, ...]]:
        seen = set()
        while not done.is_set():
            seen.add(tuple(await marks(base)))
            await asyncio.sleep(0)
        return seen

    async with asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(read())
        tasks.create_task(write())
    assert reader.result() <= {("1",) * 5, ("2",) * 6}
