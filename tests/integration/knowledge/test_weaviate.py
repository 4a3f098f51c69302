"""Weaviate where only the real server proves it: definitions, keys, crashes, refused objects."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from weaviate.classes.config import Configure, DataType, Property
from weaviate.classes.query import Filter

from recado.devstack.stack.weaviate import Weaviate, WeaviateServer
from recado.knowledge import (
    Document,
    InvalidDocument,
    KnowledgeMisconfigured,
    KnowledgeUnavailable,
    chunk_document,
)
from recado.knowledge.testing import WordEmbedder
from recado.knowledge.weaviate import WeaviateKnowledgeBase, WeaviateLimits
from support.knowledge import APART, CAMERAS, ROUTER, page, put, sources
from support.require import require
from support.weaviate_collections import address, own_collections, raw_client


@pytest.fixture
async def prefix(weaviate: Weaviate) -> AsyncIterator[str]:
    async with own_collections(weaviate) as prefix:
        yield prefix


@pytest.fixture
async def base(weaviate: Weaviate, prefix: str) -> AsyncIterator[WeaviateKnowledgeBase]:
    base = WeaviateKnowledgeBase(address(weaviate), WordEmbedder(), collection=prefix)
    yield base
    await base.close()


def numbered(n: int) -> Document:
    return page(f"{n:04}.md", "Página", f"Texto con la palabra clave{n}.")


class OddEmbedder(WordEmbedder):
    """Gives a vector of another length for texts with the word `raro`."""

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        vectors = await super().embed_passages(texts)
        odd = ["raro" in text for text in texts]
        return [vector[:3] if bad else vector for vector, bad in zip(vectors, odd, strict=True)]


async def search_for_ever(base: WeaviateKnowledgeBase) -> None:
    while True:
        await base.search("router")


async def test_a_definition_that_differs_is_told_setting_by_setting(
    weaviate: Weaviate, prefix: str, base: WeaviateKnowledgeBase
) -> None:
    async with raw_client(weaviate) as client:
        await client.collections.create(
            f"{prefix}Passage",
            vector_config=Configure.Vectors.self_provided(),
            properties=[Property(name="stems", data_type=DataType.TEXT)],
        )
    with pytest.raises(KnowledgeMisconfigured, match="embedder is unknown in the store") as refused:
        await base.open()
    told = refused.value.differences
    assert told["property stems"] == (
        "text, cut by word, filterable, searchable",
        "text, cut by word, searchable, accents folded, stop words es",
    )
    assert told["property version"] == ("unknown", "text, cut by field, filterable")
    assert told["stop words"][0].startswith("0 ")
    assert "distance" not in told


async def test_a_collection_that_was_made_anew_for_another_embedder_is_told_to_who_asks_if_ready(
    weaviate: Weaviate, prefix: str, base: WeaviateKnowledgeBase
) -> None:
    await base.prepare()
    await base.ready()
    async with raw_client(weaviate) as client:
        await client.collections.delete(f"{prefix}Passage")
    await base.ready()
    assert (await base.search("router")).passages == ()
    other = WeaviateKnowledgeBase(address(weaviate), WordEmbedder("b", 8), collection=prefix)
    await other.prepare()
    await other.close()
    with pytest.raises(KnowledgeMisconfigured, match="embedder is b in the store"):
        await base.ready()


async def test_a_writer_finds_by_itself_that_the_collections_went(
    weaviate: Weaviate, prefix: str, base: WeaviateKnowledgeBase
) -> None:
    """Deleted by an operator, say: one write fails, as after an outage, and the next makes them."""
    await put(base, ROUTER)
    async with raw_client(weaviate) as client:
        await client.collections.delete([f"{prefix}Passage", f"{prefix}Document"])
    with pytest.raises(KnowledgeUnavailable):
        await put(base, CAMERAS)
    await put(base, CAMERAS)
    assert [stored.source for stored in await base.documents()] == ["camaras.md"]


async def test_a_reader_s_key_searches_and_is_told_that_it_may_not_write(
    weaviate: Weaviate, prefix: str, base: WeaviateKnowledgeBase
) -> None:
    require(isinstance(weaviate, WeaviateServer), "a Weaviate with a reader's key", "unset its URL")
    reader = WeaviateKnowledgeBase(
        address(weaviate, weaviate.reader_key), WordEmbedder(), collection=prefix
    )
    await reader.open()
    with pytest.raises(KnowledgeMisconfigured, match="not enough for writing"):
        await reader.prepare()
    await put(base, ROUTER)
    assert await sources(reader, "router") == ["router.md"] * 2
    for refused in (
        reader.replace(CAMERAS, chunk_document(CAMERAS)),
        reader.stage(CAMERAS, 0, chunk_document(CAMERAS)),
        reader.withdraw(ROUTER.id),
    ):
        with pytest.raises(KnowledgeMisconfigured, match="not enough for writing"):
            await refused
    assert await sources(reader, "router") == ["router.md"] * 2
    await reader.close()


async def test_a_key_that_the_server_does_not_know_is_told(weaviate: Weaviate) -> None:
    require(isinstance(weaviate, WeaviateServer), "a Weaviate that asks for keys", "unset its URL")
    base = WeaviateKnowledgeBase(address(weaviate, "no-such-key"), WordEmbedder())
    with pytest.raises(KnowledgeMisconfigured, match="API key") as refused:
        await base.open()
    assert "no-such-key" not in str(refused.value)
    await base.close()


async def test_a_batch_that_is_refused_in_part_is_an_invalid_document_and_nothing_is_seen(
    weaviate: Weaviate, prefix: str, base: WeaviateKnowledgeBase, caplog: pytest.LogCaptureFixture
) -> None:
    await put(base, ROUTER)
    odd = WeaviateKnowledgeBase(address(weaviate), OddEmbedder(), collection=prefix)
    document = page("router.md", "El router", "Lo normal.", "Lo raro.", "Lo otro.", version="2")
    with pytest.raises(InvalidDocument, match="1 of 3 chunks") as refused:
        await put(odd, document)
    assert "raro" not in str(refused.value)
    assert "raro" not in caplog.text
    assert refused.value.__cause__ is None
    stored = await base.stored(ROUTER.id)
    assert stored is not None
    assert stored.content_sha256 == ROUTER.content_sha256
    assert [f.content_sha256[0] for f in (await base.search("lo otro")).passages] == ["1", "1"]
    await odd.close()


async def test_what_was_left_behind_is_never_seen_and_goes_with_the_next_write(
    weaviate: Weaviate, prefix: str, base: WeaviateKnowledgeBase
) -> None:
    """A version of 120 chunks, as if its writer had been killed before the manifest was put."""
    await put(base, ROUTER)
    left = page("router.md", "El router", *[f"Router {n}." for n in range(120)], version="2")
    await base.stage(left, 0, chunk_document(left, APART))
    found = (await base.search("router", 2)).passages
    assert [one.content_sha256[0] for one in found] == ["1", "1"]
    await put(base, page("router.md", "El router", "Nuevo.", version="3"))
    async with raw_client(weaviate) as client:
        passages = client.collections.use(f"{prefix}Passage")
        of_router = Filter.by_property("document").equal(ROUTER.id)
        kept = await passages.aggregate.over_all(filters=of_router, total_count=True)
    assert kept.total_count == 1


async def test_writing_the_same_again_embeds_nothing(weaviate: Weaviate, prefix: str) -> None:
    embedder = WordEmbedder()
    base = WeaviateKnowledgeBase(address(weaviate), embedder, collection=prefix)
    await put(base, ROUTER)
    before = len(embedder.embedded)
    await put(base, ROUTER)
    assert len(embedder.embedded) == before
    await base.close()


async def test_two_writers_that_prepare_at_once_agree(weaviate: Weaviate, prefix: str) -> None:
    bases = [
        WeaviateKnowledgeBase(address(weaviate), WordEmbedder(), collection=prefix)
        for _ in range(3)
    ]
    await asyncio.gather(*(base.prepare() for base in bases))
    await asyncio.gather(*(put(base, numbered(n)) for n, base in enumerate(bases)))
    assert len(await bases[0].documents()) == 3
    for base in bases:
        await base.close()


async def test_what_was_acknowledged_outlives_kill_9_and_the_run_finishes(
    own_weaviate: WeaviateServer,
) -> None:
    """The server is killed under the writer, and started again; no client is made anew."""
    limits = WeaviateLimits(search=timedelta(seconds=5), write=timedelta(seconds=5))
    base = WeaviateKnowledgeBase(address(own_weaviate), WordEmbedder(), limits=limits)
    acknowledged: list[int] = []
    failures = 0
    twenty, down = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        nonlocal failures
        for n in range(60):
            while n not in acknowledged:
                try:
                    await put(base, numbered(n))
                    acknowledged.append(n)
                    if n == 19:
                        twenty.set()
                except KnowledgeUnavailable:
                    failures += 1
                    down.set()
                    await asyncio.sleep(0.1)

    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(write())
        await twenty.wait()
        await own_weaviate.kill9()
        await asyncio.wait_for(down.wait(), timeout=30)
        before = len(acknowledged)
        await own_weaviate.start()
        documents = {stored.source for stored in await base.documents()}
        assert {f"{n:04}.md" for n in acknowledged[:before]} <= documents
    assert writer.done()
    assert failures
    assert len(await base.documents()) == 60
    for n in (0, 19, before, 59):
        assert (await sources(base, f"clave{n}", 1)) == [f"{n:04}.md"]
    await base.close()


async def test_what_was_acknowledged_last_is_found_by_its_vector_after_kill_9(
    own_weaviate: WeaviateServer,
) -> None:
    """In a version of several chunks, and with no word in common: by nothing but the vectors."""
    base = WeaviateKnowledgeBase(address(own_weaviate), WordEmbedder())
    many = page("router.md", "El router", *[f"Luz número {n}." for n in range(8)])
    await put(base, CAMERAS)
    await put(base, many)
    await own_weaviate.kill9()
    await own_weaviate.start()
    async with raw_client(own_weaviate) as client:
        passages = client.collections.use("RecadoPassage")
        vector = await WordEmbedder().embed_query("router")
        near = await passages.query.near_vector(vector, limit=50)
        kept = [one.properties["source"] for one in near.objects]
    assert sorted(map(str, kept)) == ["camaras.md", *["router.md"] * 8]
    await base.close()


async def test_a_server_that_hangs_is_unavailable_within_the_time_out(
    own_weaviate: WeaviateServer,
) -> None:
    limits = WeaviateLimits(search=timedelta(seconds=0.5), concurrent_searches=2)
    base = WeaviateKnowledgeBase(address(own_weaviate), WordEmbedder(), limits=limits)
    await put(base, ROUTER)
    own_weaviate.process.suspend()
    try:
        with pytest.raises(KnowledgeUnavailable):
            await search_for_ever(base)  # its threads do not all stop at once
        async with asyncio.timeout(20):
            results = await asyncio.gather(
                *(base.search("router") for _ in range(20)), return_exceptions=True
            )
    finally:
        own_weaviate.process.resume()
    assert {type(result) for result in results} == {KnowledgeUnavailable}
    while True:
        try:
            assert await sources(base, "router") == ["router.md"] * 2
            break
        except KnowledgeUnavailable:
            await asyncio.sleep(0.1)
    await base.close()
