"""A folder of thirty files of every kind: what changes is indexed, nothing else, in one step."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from recado.cli import uploading
from recado.cli.documents import Plan
from recado.cli.index import submit
from recado.knowledge.embedders.use import UseEmbedder
from recado.knowledge.extraction.limits import LEAST_PART_BYTES
from recado.knowledge.extraction.parts import open_document
from recado.knowledge.lancedb import LanceKnowledgeBase
from recado.schemas import ids
from support import documents
from support.prometheus import exposed
from support.world import PATIENCE, World

COLLECTION = "apicultura"
TOPIC = "colmenas abejas miel"
KINDS = (".md", ".txt", ".html", ".csv", ".docx", ".pdf")


def write(file: Path, number: int, price: int) -> None:
    """A page about beehive number so-and-so, of the kind that its name says."""
    title = f"Colmena {number}"
    said = f"Las abejas de la colmena {number} dan miel por {price} euros."
    match file.suffix:
        case ".md":
            file.write_text(f"# {title}\n\n{said}\n")
        case ".txt":
            file.write_text(f"{title}\n\n{said}\n")
        case ".html":
            file.write_text(f"<h1>{title}</h1><p>{said}</p>")
        case ".csv":
            file.write_text(f"pregunta,respuesta\n¿Cuánto da la {title}?,{said}\n")
        case ".docx":
            docx(file, title, said)
        case ".pdf":
            documents.pdf(file, [documents.heading(title), documents.paragraph(said)])


def docx(file: Path, title: str, said: str) -> None:
    from docx import Document

    page = Document()
    page.add_heading(title, 1)
    page.add_paragraph(said)
    page.save(str(file))


@pytest.fixture
async def folder(world: World, tmp_path: Path) -> AsyncIterator[Path]:
    """A collection without files; what the knowledge base has of it goes in the end."""
    folder = tmp_path / COLLECTION
    folder.mkdir()
    yield folder
    for file in folder.iterdir():
        file.unlink()
    await index(world, folder)


async def index(world: World, folder: Path) -> Plan:
    """What `recado index` does; it returns when the indexer is done."""
    return await submit(world.settings, [folder], wait=PATIENCE, quiet=True)


@pytest.fixture
async def reader(world: World) -> AsyncIterator[LanceKnowledgeBase]:
    """The knowledge base as rag sees it."""
    path = Path(world.stack.environment["RECADO_LANCEDB_PATH"])
    base = LanceKnowledgeBase(path, UseEmbedder())
    await base.open()
    yield base
    await base.close()


async def embedded(world: World) -> float:
    """How many chunks the indexer has embedded so far."""
    return await exposed(world.stack.service("indexer").url, "recado_chunks_indexed_total")


async def test_only_what_changed_is_embedded(
    world: World, folder: Path, reader: LanceKnowledgeBase
) -> None:
    """One file of thirty changed, one deleted, one renamed: two are embedded, and no more."""
    for number in range(30):
        write(folder / f"colmena-{number:02}{KINDS[number % len(KINDS)]}", number, number + 10)
    before = await embedded(world)
    first = await index(world, folder)
    assert (len(first.submit), first.refused) == (30, [])
    of_all = await embedded(world) - before
    assert of_all >= 30

    write(folder / "colmena-00.md", 0, price=99)
    (folder / "colmena-05.pdf").unlink()
    (folder / "colmena-04.docx").rename(folder / "colmena-vieja.docx")
    before = await embedded(world)
    second = await index(world, folder)
    changed = [one.source for one in second.submit]
    assert changed == ["colmena-00.md", "colmena-vieja.docx"]
    assert [one.source for one in second.withdraw] == ["colmena-04.docx", "colmena-05.pdf"]
    assert second.renamed == [("colmena-04.docx", "colmena-vieja.docx")]
    assert len(second.unchanged) == 27
    stored = [await reader.stored(ids.document_id(COLLECTION, source)) for source in changed]
    of_changed = sum(one.chunks for one in stored if one is not None)
    assert await embedded(world) - before == of_changed >= 2
    print(f"embedded: {of_all:.0f} chunks of 30 files, then {of_changed} of the 2 that changed")

    before = await embedded(world)
    assert len((await index(world, folder)).unchanged) == 29
    assert await embedded(world) == before


async def test_under_load_no_query_sees_two_versions_of_a_document(
    world: World, folder: Path, reader: LanceKnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor half of one. In several parts and in one, longer and shorter ones by turns."""
    small = partial(open_document, part_bytes=LEAST_PART_BYTES)
    monkeypatch.setattr(uploading, "open_document", small)
    page = folder / "colmenas.txt"
    document = ids.document_id(COLLECTION, page.name)
    sizes: dict[str, int] = {}
    done = asyncio.Event()

    async def change() -> None:
        for price, lines in ((40, 10), (41, 400), (42, 500), (43, 5)):
            said = f"Las abejas de la colmena dan {price} tarros de miel por {price} euros al mes."
            page.write_text("".join(f"{said} Es la {n}.\n\n" for n in range(lines)))
            (changed,) = (await index(world, folder)).submit
            stored = await reader.stored(document)
            assert stored is not None
            assert stored.content_sha256 == changed.content_sha256
            sizes[stored.content_sha256] = stored.chunks
        done.set()

    async def ask() -> set[tuple[str, int]]:
        seen: set[tuple[str, int]] = set()
        while not done.is_set():
            found = (await reader.search(TOPIC, 50)).passages
            ours = [one.content_sha256 for one in found if one.document_id == document]
            assert len(set(ours)) <= 1
            seen.update((version, len(ours)) for version in ours)
        return seen

    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(ask()) for _ in range(3)]
        tasks.create_task(change())
    seen = set().union(*(one.result() for one in asking))
    assert seen <= {(version, min(50, chunks)) for version, chunks in sizes.items()}
    assert len(seen) >= 3
    assert max(sizes.values()) > 20
