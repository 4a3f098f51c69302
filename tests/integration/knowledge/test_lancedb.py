"""LanceDB where only the real thing proves it: several processes, crashes, foreign tables."""

import asyncio
import logging
import signal
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid5

import lancedb
import pytest
from lancedb.index import FTS

from recado.knowledge import (
    Document,
    KnowledgeMisconfigured,
    KnowledgeUnavailable,
    Section,
    chunk_document,
)
from recado.knowledge.lancedb import LanceKnowledgeBase
from recado.knowledge.lancedb_table import WORDS, table_schema
from recado.knowledge.testing import WordEmbedder

NAMESPACE = UUID("0b6f2c1e-6f0a-4d55-8a52-6d1f1c2b3a4d")

WRITER = """
import asyncio, sys
from pathlib import Path
from uuid import UUID, uuid5
from recado.knowledge import Document, Section, chunk_document
from recado.knowledge.lancedb import LanceKnowledgeBase
from recado.knowledge.testing import WordEmbedder

async def main():
    base = LanceKnowledgeBase(Path(sys.argv[1]), WordEmbedder(), maintain_every=5)
    await base.open()
    for n in range(int(sys.argv[2])):
        document = Document(
            id=uuid5(UUID(sys.argv[3]), str(n)), source=f"{n:04}.md", title="Página", language="es",
            content_sha256="1" * 64, sections=(Section((), f"Texto con la palabra clave{n}."),),
        )
        await base.replace(document, chunk_document(document))
        print(n, flush=True)
asyncio.run(main())
"""


async def start_writer(
    path: Path, documents: int, namespace: UUID = NAMESPACE
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), str(documents), str(namespace),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def written(writer: asyncio.subprocess.Process) -> int | None:
    assert writer.stdout is not None
    line = await asyncio.wait_for(writer.stdout.readline(), timeout=60)
    return int(line) if line else None


def page(n: int) -> Document:
    return Document(
        id=uuid5(NAMESPACE, str(n)),
        source=f"{n:04}.md",
        title="Página",
        language="es",
        content_sha256="1" * 64,
        sections=(Section((), f"Texto con la palabra clave{n}."),),
    )


async def test_a_reader_finds_each_page_as_soon_as_another_process_has_written_it(
    tmp_path: Path,
) -> None:
    reader = LanceKnowledgeBase(tmp_path / "store", WordEmbedder())
    await reader.open()
    writer = await start_writer(tmp_path / "store", 12)
    try:
        while (n := await written(writer)) is not None:
            assert (await reader.search(f"clave{n}", 1)).passages[0].source == f"{n:04}.md"
        assert await writer.wait() == 0
    finally:
        if writer.returncode is None:
            writer.kill()
            await writer.wait()
    assert len(await reader.documents()) == 12
    await reader.close()


async def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [await start_writer(tmp_path / "store", 10, UUID(int=n)) for n in range(2)]
    try:
        for writer in writers:
            _, _ = await asyncio.wait_for(writer.communicate(), timeout=60)
        assert [writer.returncode for writer in writers] == [0, 0]
    finally:
        for writer in writers:
            if writer.returncode is None:
                writer.kill()
                await writer.wait()
    base = LanceKnowledgeBase(tmp_path / "store", WordEmbedder())
    documents = await base.documents()
    assert len(documents) == 20
    assert all(stored.chunks == 1 for stored in documents)
    await base.close()


async def test_writers_that_make_the_table_at_once_agree(tmp_path: Path) -> None:
    bases = [LanceKnowledgeBase(tmp_path / "store", WordEmbedder()) for _ in range(6)]
    await asyncio.gather(*(base.prepare() for base in bases))
    for n, base in enumerate(bases):
        await base.replace(page(n), chunk_document(page(n)))
    assert len(await bases[0].documents()) == 6
    for base in bases:
        await base.close()


async def test_what_was_acknowledged_is_there_after_the_writer_was_killed(tmp_path: Path) -> None:
    writer = await start_writer(tmp_path / "store", 10_000)
    acknowledged = -1
    while acknowledged < 23:
        n = await written(writer)
        assert n is not None
        acknowledged = n
    writer.send_signal(signal.SIGKILL)
    await writer.wait()

    base = LanceKnowledgeBase(tmp_path / "store", WordEmbedder())
    await base.open()
    sources = {stored.source for stored in await base.documents()}
    assert {f"{n:04}.md" for n in range(acknowledged + 1)} <= sources
    assert (await base.search("clave7", 1)).passages[0].source == "0007.md"
    await base.replace(page(20_000), chunk_document(page(20_000)))
    assert (await base.search("clave20000", 1)).passages[0].source == "20000.md"
    await base.close()


@pytest.mark.filterwarnings("ignore:optimize")  # taking it from under a reader is the point
async def test_a_search_whose_version_is_taken_away_reads_the_newest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    base = LanceKnowledgeBase(tmp_path, WordEmbedder())
    for n in range(3):
        await base.replace(page(n), chunk_document(page(n)))
    reader = LanceKnowledgeBase(tmp_path, WordEmbedder())
    await reader.open()
    snapshot = reader._snapshot
    assert snapshot is not None
    newest = base._newest
    assert newest is not None
    await newest.optimize(cleanup_older_than=timedelta(0))
    # As if the newest version had been this one when the search began.
    reader._snapshot = (await newest.version(), snapshot[1])
    with caplog.at_level(logging.INFO):
        found = await reader.search("clave2", 1)
    assert "once more" in caplog.text
    assert found.passages[0].source == "0002.md"
    await base.close()
    await reader.close()


async def test_a_table_that_is_made_but_not_indexed_yet_is_finished_by_the_writer(
    tmp_path: Path,
) -> None:
    connection = await lancedb.connect_async(str(tmp_path))
    await connection.create_table("passages", schema=table_schema(WordEmbedder()))
    reader = LanceKnowledgeBase(tmp_path, WordEmbedder())
    await reader.open()
    assert (await reader.search("clave1")).passages == ()
    writer = LanceKnowledgeBase(tmp_path, WordEmbedder())
    await writer.replace(page(1), chunk_document(page(1)))
    assert (await reader.search("clave1")).passages[0].source == "0001.md"
    await writer.close()
    await reader.close()


async def test_a_table_analysed_in_another_language_is_told(tmp_path: Path) -> None:
    connection = await lancedb.connect_async(str(tmp_path))
    table = await connection.create_table("passages", schema=table_schema(WordEmbedder()))
    await table.create_index(WORDS, config=FTS(language="English"))
    base = LanceKnowledgeBase(tmp_path, WordEmbedder())
    with pytest.raises(KnowledgeMisconfigured) as refused:
        await base.open()
    assert refused.value.differences == {"analysis.language": ("English", "Spanish")}


async def test_a_table_of_somebody_else_is_told(tmp_path: Path) -> None:
    connection = await lancedb.connect_async(str(tmp_path))
    await connection.create_table("passages", data=[{"text": "hola"}])
    with pytest.raises(KnowledgeMisconfigured, match="embedder is unknown in the store"):
        await LanceKnowledgeBase(tmp_path, WordEmbedder()).open()


async def test_a_damaged_store_is_unavailable_and_no_surprise(tmp_path: Path) -> None:
    base = LanceKnowledgeBase(tmp_path, WordEmbedder())
    await base.replace(page(1), chunk_document(page(1)))
    await base.close()
    for data in (tmp_path / "passages.lance" / "data").iterdir():
        data.write_bytes(b"x" * 100)
    reader = LanceKnowledgeBase(tmp_path, WordEmbedder())
    with pytest.raises(KnowledgeUnavailable):
        await reader.search("clave1")


async def test_a_reader_makes_no_directory(tmp_path: Path) -> None:
    reader = LanceKnowledgeBase(tmp_path / "none", WordEmbedder())
    await reader.open()
    await reader.search("hola")
    await reader.close()
    assert not (tmp_path / "none").exists()


async def test_maintenance_merges_files_and_brings_the_word_index_up_to_date(
    tmp_path: Path,
) -> None:
    base = LanceKnowledgeBase(tmp_path, WordEmbedder(), maintain_every=10)
    for n in range(20):
        await base.replace(page(n), chunk_document(page(n)))
    await base.close()
    table = await (await lancedb.connect_async(str(tmp_path))).open_table("passages")
    (index,) = await table.list_indices()
    assert (index.num_indexed_rows, index.num_unindexed_rows) == (20, 0)
    left = (await table.optimize()).compaction.fragments_removed
    assert left <= 2


async def test_more_searches_at_once_than_the_store_takes_wait_their_turn(tmp_path: Path) -> None:
    base = LanceKnowledgeBase(tmp_path, WordEmbedder(), concurrent_searches=2)
    for n in range(5):
        await base.replace(page(n), chunk_document(page(n)))
    results = await asyncio.gather(*(base.search(f"clave{n % 5}", 1) for n in range(60)))
    assert [found.passages[0].source for found in results] == [f"{n % 5:04}.md" for n in range(60)]
    await base.close()
