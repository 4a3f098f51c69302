"""What every store promises (see recado.knowledge.port), on each of them."""

import asyncio
from dataclasses import replace

import pytest

from recado.knowledge import (
    Chunk,
    InvalidDocument,
    KnowledgeBase,
    KnowledgeMisconfigured,
    Section,
    chunk_document,
)
from recado.knowledge.testing import WordEmbedder
from support.knowledge import APART, BILLS, CAMERAS, ROUTER, Connect, page, put, sources


async def test_before_there_is_a_collection_a_reader_finds_nothing(base: KnowledgeBase) -> None:
    await base.ready()
    assert (await base.search("router")).passages == ()
    assert await base.documents() == ()
    assert await base.stored(ROUTER.id) is None
    assert await base.withdraw(ROUTER.id) is False


async def test_a_reader_that_was_there_first_finds_what_a_writer_brings(
    connect: Connect, base: KnowledgeBase, embedder: WordEmbedder
) -> None:
    assert await sources(base, "router") == []
    writer = connect(embedder)
    await writer.open()
    await writer.prepare()
    assert await sources(base, "router") == []
    await put(writer, ROUTER)
    assert set(await sources(base, "router")) == {"router.md"}
    await writer.withdraw(ROUTER.id)
    assert await sources(base, "router") == []


async def test_a_passage_is_the_chunk_that_was_stored(base: KnowledgeBase) -> None:
    section = Section(("Luces", "Roja"), "La luz roja avisa.", page=7)
    document = replace(ROUTER, language="es-419", sections=(section,))
    (chunk,) = chunk_document(document, APART)
    await base.replace(document, [chunk])
    (found,) = (await base.search("luz roja")).passages
    assert found.id == chunk.id
    assert {name: getattr(found, name) for name in Chunk.__dataclass_fields__} == {
        name: getattr(chunk, name) for name in Chunk.__dataclass_fields__
    }


async def test_the_best_passage_comes_first_and_scores_say_so(base: KnowledgeBase) -> None:
    await put(base, ROUTER, CAMERAS, BILLS)
    result = await base.search("¿cómo pago la factura?")
    assert result.passages[0].source == "facturas.md"
    assert result.took.total_seconds() > 0
    scores = [found.score for found in result.passages]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 + 1e-6 for score in scores)


async def test_similarity_is_the_cosine_of_the_vectors(
    base: KnowledgeBase, embedder: WordEmbedder
) -> None:
    await put(base, ROUTER, CAMERAS, BILLS)
    query = "luz del router y factura"
    vector = await embedder.embed_query(query)
    passages = (await base.search(query)).passages
    assert len(passages) > 1
    for found in passages:
        other = (await embedder.embed_passages([found.searchable]))[0]
        cosine = sum(a * b for a, b in zip(vector, other, strict=True))
        assert found.similarity == pytest.approx(cosine, abs=1e-4)


async def test_no_more_than_n_passages_come_and_no_fewer_if_there_are(base: KnowledgeBase) -> None:
    await put(base, ROUTER, CAMERAS, BILLS)
    assert len((await base.search("router cámara factura", 2)).passages) == 2
    assert len((await base.search("router", 4)).passages) == 4


async def test_what_is_too_far_is_left_out_however_well_its_words_match(
    base: KnowledgeBase,
) -> None:
    await put(base, ROUTER, CAMERAS)
    near = (await base.search("instala cámara seguridad pared", max_distance=0.5)).passages
    assert [found.source for found in near] == ["camaras.md"]
    assert near[0].similarity >= 0.5
    words = "cámara " + " ".join(f"ajeno{n}x{n}" for n in range(40))
    assert (await base.search(words, max_distance=0.5)).passages == ()
    assert (await base.search(words)).passages[0].source == "camaras.md"


@pytest.mark.parametrize("query", ["camara", "CÁMARAS", "las cámaras", "¿Cámara?"])
async def test_accents_case_and_inflexion_make_no_difference(
    base: KnowledgeBase, query: str
) -> None:
    await put(base, ROUTER, CAMERAS, BILLS)
    assert (await sources(base, query))[0] == "camaras.md"


async def test_title_and_section_are_searched_too(base: KnowledgeBase) -> None:
    await put(base, ROUTER, page("tv.md", "Decodificador", "Enciende el aparato."))
    assert (await sources(base, "decodificador"))[0] == "tv.md"


@pytest.mark.parametrize(
    "query",
    [
        '"router',
        "router AND (NOT",
        "router:^2~* +-/\\",
        "router'; DROP TABLE passages; --",
        "¿router? 100% 'sí' {} [] <b>",
        "router\x00\x07",
        "router 🙂",
    ],
)
async def test_no_character_of_a_query_is_syntax(base: KnowledgeBase, query: str) -> None:
    await put(base, ROUTER, CAMERAS)
    assert (await sources(base, query))[0] == "router.md"


@pytest.mark.parametrize("query", ["", "   ", "\n\t"])
async def test_a_blank_query_finds_nothing(base: KnowledgeBase, query: str) -> None:
    await put(base, ROUTER)
    assert (await base.search(query)).passages == ()


@pytest.mark.parametrize("query", ["???", "🙂", "de la el", "xyzzy " * 2000])
async def test_a_query_without_any_known_word_breaks_nothing(
    base: KnowledgeBase, query: str
) -> None:
    await put(base, ROUTER)
    assert len((await base.search(query, 1)).passages) == 1


@pytest.mark.parametrize("n", [0, 51])
async def test_n_out_of_bounds_is_refused(base: KnowledgeBase, n: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 50"):
        await base.search("router", n)


async def test_a_new_version_takes_the_place_of_the_old_one(base: KnowledgeBase) -> None:
    await put(base, ROUTER, CAMERAS)
    changed = page("router.md", "El router nuevo", "Ahora se reinicia solo.", version="2")
    await put(base, changed)
    found = [f for f in (await base.search("router")).passages if f.document_id == ROUTER.id]
    assert [(f.title, f.content_sha256) for f in found] == [("El router nuevo", "2" * 64)]
    stored = await base.stored(ROUTER.id)
    assert stored is not None
    assert (stored.title, stored.content_sha256, stored.chunks) == ("El router nuevo", "2" * 64, 1)
    assert (await sources(base, "cámara"))[0] == "camaras.md"


async def test_writing_the_same_twice_stores_it_once(base: KnowledgeBase) -> None:
    await put(base, ROUTER, ROUTER)
    stored = await base.stored(ROUTER.id)
    assert stored is not None
    assert stored.chunks == 2
    assert len((await base.search("router")).passages) == 2


async def test_writing_the_same_again_embeds_nothing_and_says_so(
    base: KnowledgeBase, embedder: WordEmbedder
) -> None:
    """What is staged of another version goes all the same."""
    chunks = chunk_document(ROUTER, APART)
    assert await base.replace(ROUTER, chunks) is True
    other = page("router.md", "El router", "Otro texto.", version="2")
    await base.stage(other, 0, chunk_document(other, APART))
    before = len(embedder.embedded)
    assert await base.replace(ROUTER, chunks) is False
    assert len(embedder.embedded) == before
    assert await base.staged(other, 1) == 0
    assert set(await sources(base, "router")) == {"router.md"}


async def test_the_same_content_read_in_another_way_takes_the_place_of_its_first_chunks(
    base: KnowledgeBase,
) -> None:
    """As many of them, of the same version: what a newer reader makes of one and the same file."""
    await put(base, ROUTER)
    better = page("router.md", ROUTER.title, "Reinícialo.", "La luz roja avisa.")
    assert await base.replace(better, chunk_document(better, APART)) is True
    texts = {found.text for found in (await base.search("router")).passages}
    assert texts == {"Reinícialo.", "La luz roja avisa."}


async def test_the_same_content_of_another_language_is_written_again(base: KnowledgeBase) -> None:
    await put(base, ROUTER)
    other = replace(ROUTER, language="pt-BR")
    assert await base.replace(other, chunk_document(other, APART)) is True
    found = (await base.search("router")).passages
    assert [passage.language for passage in found] == ["pt-BR", "pt-BR"]


async def test_the_same_content_cut_in_another_way_takes_the_place_of_its_first_chunks(
    base: KnowledgeBase,
) -> None:
    await put(base, ROUTER)
    await base.replace(ROUTER, chunk_document(ROUTER))
    assert len((await base.search("router")).passages) == 1
    stored = await base.stored(ROUTER.id)
    assert stored is not None
    assert stored.chunks == 1
    await put(base, ROUTER)
    assert len((await base.search("router")).passages) == 2


async def test_a_withdrawn_document_is_gone_and_the_others_stay(base: KnowledgeBase) -> None:
    await put(base, ROUTER, CAMERAS)
    assert await base.withdraw(ROUTER.id) is True
    assert await base.withdraw(ROUTER.id) is False
    assert await base.stored(ROUTER.id) is None
    assert await sources(base, "router") == ["camaras.md"]


async def test_documents_are_listed_by_source(base: KnowledgeBase) -> None:
    await put(base, ROUTER, CAMERAS, BILLS)
    assert [(stored.source, stored.title, stored.chunks) for stored in await base.documents()] == [
        ("camaras.md", "Cámaras", 1),
        ("facturas.md", "Facturas", 1),
        ("router.md", "El router", 2),
    ]


async def test_many_documents_written_at_once_are_all_there(base: KnowledgeBase) -> None:
    pages = [page(f"{n:02}.md", f"Página {n}", f"Texto número {n}.") for n in range(12)]
    async with asyncio.TaskGroup() as tasks:
        for document in pages:
            tasks.create_task(put(base, document))
    assert [stored.source for stored in await base.documents()] == [
        document.source for document in pages
    ]


async def test_no_search_sees_two_versions_of_a_document(
    connect: Connect, base: KnowledgeBase, embedder: WordEmbedder
) -> None:
    """Each version has another number of chunks, and says in each which version it is."""
    writer = connect(embedder)
    await writer.open()
    versions = [
        page("router.md", "El router", *[f"Botón {n}, luz {n}." for n in range(size)], version=mark)
        for mark, size in (("1", 2), ("2", 6), ("3", 4), ("4", 1))
    ]
    await put(writer, versions[0])
    done = asyncio.Event()

    async def write() -> None:
        for _ in range(4):
            for version in versions:
                await put(writer, version)
        done.set()

    async def read() -> set[tuple[str, int]]:
        seen = set()
        while not done.is_set():
            passages = (await base.search("luz del botón del router", 20)).passages
            marks = {found.content_sha256[0] for found in passages}
            assert len(marks) == 1
            seen.add((marks.pop(), len(passages)))
            await asyncio.sleep(0)
        return seen

    async with asyncio.TaskGroup() as tasks:
        readers = [tasks.create_task(read()) for _ in range(2)]
        tasks.create_task(write())
    seen = set().union(*(reader.result() for reader in readers))
    assert seen <= {("1", 2), ("2", 6), ("3", 4), ("4", 1)}


async def test_chunks_of_another_document_are_refused_and_nothing_changes(
    base: KnowledgeBase,
) -> None:
    await put(base, ROUTER)
    with pytest.raises(InvalidDocument):
        await base.replace(ROUTER, chunk_document(CAMERAS, APART))
    with pytest.raises(InvalidDocument):
        await base.replace(replace(ROUTER, content_sha256="2" * 64), [])
    stored = await base.stored(ROUTER.id)
    assert stored is not None
    assert (stored.content_sha256, stored.chunks) == (ROUTER.content_sha256, 2)


async def test_another_embedder_is_refused_and_told_apart(
    connect: Connect, base: KnowledgeBase
) -> None:
    await put(base, ROUTER)
    other = connect(WordEmbedder("other words", 64))
    with pytest.raises(KnowledgeMisconfigured, match="words") as refused:
        await other.open()
    assert "embedder" in refused.value.differences
    with pytest.raises(KnowledgeMisconfigured):
        await put(other, CAMERAS)
    assert await base.stored(CAMERAS.id) is None


async def test_preparing_and_opening_again_changes_nothing(base: KnowledgeBase) -> None:
    await put(base, ROUTER)
    await base.prepare()
    await base.open()
    assert (await sources(base, "router"))[0] == "router.md"
