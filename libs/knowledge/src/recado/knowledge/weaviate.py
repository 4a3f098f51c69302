"""The store for production: a Weaviate server, 1.37 or newer.

Implements `recado.knowledge.port.KnowledgeBase`. Any number of processes may use it at once;
readers need a key that can only read. The server has no transaction over several objects, so what
is seen of a document hangs on one of them, its manifest: the chunks of a new version are written
first, then the manifest is put, then the old chunks are deleted. Until the manifest says so nobody
sees a chunk, and what a crash leaves behind is never seen; the next write of that document takes it
away. A staged version is the same without the last two steps.

Words are stemmed here (`weaviate_stems`); accents are folded and silent words left out by the
server. What is under way is bounded: a few searches and a few batches at once, the others wait
their turn within their time-out. A server that was away, killed even, is found again by itself.

Needs the extra `weaviate`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, cast
from uuid import UUID

from weaviate.collections import CollectionAsync
from weaviate.exceptions import UnexpectedStatusCodeError

from recado.knowledge.errors import KnowledgeMisconfigured, KnowledgeUnavailable
from recado.knowledge.model import Chunk, Document, Passage, SearchResult, StoredDocument
from recado.knowledge.port import (
    Embedder,
    check_part,
    check_replacement,
    check_search,
    incomplete,
)
from recado.knowledge.weaviate_address import WeaviateAddress
from recado.knowledge.weaviate_connection import Connection, WeaviateLimits
from recado.knowledge.weaviate_definition import (
    CollectionNames,
    document_differences,
    make_documents,
    make_passages,
    passage_differences,
)
from recado.knowledge.weaviate_objects import (
    Manifest,
    StoredManifest,
    chunk_objects,
    fingerprint,
    manifest,
    manifest_object,
    next_version,
)
from recado.knowledge.weaviate_search import HybridSearch, read_manifest
from recado.knowledge.weaviate_writing import (
    count_before,
    forget_from_part,
    forget_other_versions,
    insert,
    positions,
    settle,
)

__all__ = ["WeaviateAddress", "WeaviateKnowledgeBase", "WeaviateLimits"]

_BATCH: Final = 64  # chunks that are embedded and written together
_LISTED_AT_ONCE: Final = 500
_GRACE: Final = timedelta(milliseconds=200)
"""How long replaced chunks stay. The server looks up in its indexes first and reads objects after:
what goes in between would be missing from that search, and what comes is not in it yet."""
_UNPROCESSABLE: Final = 422  # the server's answer where a collection is there already


@dataclass(frozen=True, slots=True)
class _Pair:
    passages: CollectionAsync
    documents: CollectionAsync


class WeaviateKnowledgeBase:
    """A knowledge base in the collections `<collection>Passage` and `<collection>Document`.

    Raises ValueError for an address that is none.
    """

    def __init__(
        self,
        address: WeaviateAddress,
        embedder: Embedder,
        *,
        collection: str = "Recado",
        limits: WeaviateLimits | None = None,
    ) -> None:
        self._embedder = embedder
        self._names = CollectionNames.of(collection)
        self._limits = limits or WeaviateLimits()
        self._connection = Connection(address, self._limits, self._names.passages)
        self._searching = asyncio.Semaphore(self._limits.concurrent_searches)
        self._writing = asyncio.Semaphore(self._limits.concurrent_writes)
        self._search = HybridSearch()
        self._checked: _Pair | None = None

    async def open(self) -> None:
        async with self._calls(self._limits.search):
            await self._current()

    async def ready(self) -> None:
        self._checked = None  # made anew otherwise, it must be seen
        async with self._calls(self._limits.search):
            pair = await self._current()
            if pair is not None:  # that was the REST side, and searches go by the other
                await pair.documents.query.fetch_objects(limit=1)

    async def search(
        self, query: str, n: int = 5, *, max_distance: float | None = None
    ) -> SearchResult:
        started = time.perf_counter()
        query = check_search(query, n)
        passages: list[Passage] = []
        if query:
            vector = await self._embedder.embed_query(query)
            passages = await self._found(query, vector, n, max_distance)
        return SearchResult(tuple(passages), timedelta(seconds=time.perf_counter() - started))

    async def stored(self, document_id: UUID) -> StoredDocument | None:
        async with self._calls(self._limits.search):
            pair = await self._current()
            found = await read_manifest(pair.documents, document_id) if pair is not None else None
            return found.document if found is not None else None

    async def documents(self) -> tuple[StoredDocument, ...]:
        async with self._calls(self._limits.search):
            pair = await self._current()
        found: list[StoredDocument] = []
        last: UUID | None = None
        while pair is not None:
            async with self._calls(self._limits.search):
                page = await pair.documents.query.fetch_objects(limit=_LISTED_AT_ONCE, after=last)
            found += (
                manifest(one.uuid, cast("StoredManifest", one.properties)).document
                for one in page.objects
            )
            if len(page.objects) < _LISTED_AT_ONCE:
                break
            last = page.objects[-1].uuid
        return tuple(sorted(found, key=lambda document: document.source))

    async def prepare(self) -> None:
        async with self._calls(self._limits.write, writing=True):
            await self._prepared()

    async def replace(self, document: Document, chunks: Sequence[Chunk]) -> bool:
        check_replacement(document, chunks)
        pair, before = await self._before(document)
        made_of = fingerprint(document, self._embedder, chunks)
        if before is not None and before.fingerprint == made_of:
            await self._forget(pair, document.id, keep=before.version)
            return False
        version = next_version(document.id, before, made_of)
        await self._write(pair, document, chunks, version, part=0)
        await self._flip(pair, document, len(chunks), version, made_of, before)
        return True

    async def stage(self, document: Document, part: int, chunks: Sequence[Chunk]) -> None:
        check_part(document, part, chunks)
        pair, before = await self._before(document)
        version = next_version(document.id, before, fingerprint(document, self._embedder))
        await self._write(pair, document, chunks, version, part)
        first = chunks[0].position if chunks else 0
        async with self._calls(self._limits.write, writing=True), self._writing:
            await forget_from_part(pair.passages, version, part, first, len(chunks))

    async def staged(self, document: Document, before: int) -> int:
        async with self._calls(self._limits.search):
            pair = await self._current()
            if pair is None:
                return 0
            visible = await read_manifest(pair.documents, document.id)
            version = next_version(document.id, visible, fingerprint(document, self._embedder))
            return await count_before(pair.passages, version, before)

    async def publish(self, document: Document, chunks: int) -> None:
        pair, before = await self._before(document)
        made_of = fingerprint(document, self._embedder)
        version = next_version(document.id, before, made_of)
        async with self._calls(self._limits.search):
            staged, lowest, highest = await positions(pair.passages, version)
        if staged == 0 and before is not None and before.fingerprint == made_of:
            version, staged, lowest = before.version, before.document.chunks, 0
            highest = staged - 1
        if chunks < 1 or (staged, lowest, highest) != (chunks, 0, chunks - 1):
            raise incomplete(document, staged, chunks)
        if before is not None and before.version == version:
            await self._forget(pair, document.id, keep=version)
        else:
            await self._flip(pair, document, chunks, version, made_of, before)

    async def withdraw(self, document_id: UUID) -> bool:
        async with self._calls(self._limits.write, writing=True):
            pair = await self._current()
            if pair is None:
                return False
            there = await read_manifest(pair.documents, document_id) is not None
            if there:
                await pair.documents.data.delete_by_id(document_id)
        await self._forget(pair, document_id, keep=None)
        return there

    async def close(self) -> None:
        await self._connection.close()

    async def _found(
        self, query: str, vector: list[float], n: int, max_distance: float | None
    ) -> list[Passage]:
        async with self._calls(self._limits.search), self._searching:
            pair = await self._current()
            if pair is None:
                return []
            return await self._search.find(
                pair.passages, pair.documents, query, vector, n, max_distance
            )

    @asynccontextmanager
    async def _calls(self, timeout: timedelta, *, writing: bool = False) -> AsyncIterator[None]:
        """`Connection.calls`. After a failure the collections are looked at anew."""
        try:
            async with self._connection.calls(timeout, writing=writing):
                yield
        except KnowledgeUnavailable:
            self._checked = None  # it may be another collection, or none, when the server is back
            raise

    async def _before(self, document: Document) -> tuple[_Pair, Manifest | None]:
        """The collections, made if need be, and what is visible of the document.

        First of all in each write: a store that does not fit must not cost the embedding.
        """
        async with self._calls(self._limits.write, writing=True):
            pair = await self._prepared()
            return pair, await read_manifest(pair.documents, document.id)

    async def _write(
        self, pair: _Pair, document: Document, chunks: Sequence[Chunk], version: str, part: int
    ) -> None:
        for start in range(0, len(chunks), _BATCH):
            batch = chunks[start : start + _BATCH]
            vectors = await self._embedder.embed_passages([chunk.searchable for chunk in batch])
            objects = chunk_objects(batch, vectors, version, part)
            async with self._calls(self._limits.write, writing=True), self._writing:
                await insert(pair.passages, objects, document.source, self._connection)
        async with self._calls(self._limits.write, writing=True), self._writing:
            await settle(pair.passages)

    async def _flip(
        self,
        pair: _Pair,
        document: Document,
        chunks: int,
        version: str,
        made_of: str,
        before: Manifest | None,
    ) -> None:
        """Make this version the visible one, then take away all others."""
        made = manifest_object(document, chunks, version, made_of)
        async with self._calls(self._limits.write, writing=True), self._writing:
            await insert(pair.documents, [made], document.source, self._connection)
        if before is not None:
            await asyncio.sleep(_GRACE.total_seconds())
        await self._forget(pair, document.id, keep=version)

    async def _forget(self, pair: _Pair, document_id: UUID, *, keep: str | None) -> None:
        async with self._calls(self._limits.write, writing=True), self._writing:
            await forget_other_versions(pair.passages, document_id, keep)

    async def _prepared(self) -> _Pair:
        pair = await self._current()
        if pair is None:
            collections = (await self._connection.client()).collections
            # The passages last: readers take the pair for complete when both are there.
            if not await collections.exists(self._names.documents):
                with _quicker_maker():
                    await make_documents(collections, self._names.documents)
            if not await collections.exists(self._names.passages):
                with _quicker_maker():
                    await make_passages(collections, self._names.passages, self._embedder)
            pair = await self._current()
        if pair is None:
            raise KnowledgeUnavailable(f"collection {self._names.passages!r} went as it was made")
        return pair

    async def _current(self) -> _Pair | None:
        """The collections, compared with their definition once; None if they are not both there."""
        if self._checked is None:
            collections = (await self._connection.client()).collections
            there = [await collections.exists(name) for name in self._names.both]
            passages = collections.use(self._names.passages)
            documents = collections.use(self._names.documents)
            differences: dict[str, tuple[str, str]] = {}
            if there[0]:
                differences |= passage_differences(await passages.config.get(), self._embedder)
            if there[1]:
                differences |= document_differences(await documents.config.get())
            if differences:
                raise KnowledgeMisconfigured(self._names.passages, differences)
            if not all(there):
                return None
            self._checked = _Pair(passages, documents)
        return self._checked


@contextmanager
def _quicker_maker() -> Iterator[None]:
    """Another writer may have made the collection since it was looked for; it is checked after."""
    try:
        yield
    except UnexpectedStatusCodeError as error:
        if error.status_code != _UNPROCESSABLE:
            raise
