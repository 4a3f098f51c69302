"""The embedded store: LanceDB in a directory, for one machine and no server.

Implements `recado.knowledge.port.KnowledgeBase`. Several processes may use one directory at once:
one writes (the indexer), the others read. A search asks for the newest version of the table first
(below 1 ms) and then runs on that version alone, so what commits meanwhile can't mix with it.
Replacing a document is one commit of the table: its new chunks in, its old ones out, or, where they
were staged, live instead of the old ones (`lancedb_staging`). Rows that the
word index does not hold yet are searched all the same; every `maintain_every` commits small files
are merged, the index is brought up to date, and versions older than ten minutes go.

Vectors are compared with every row: exact, and quick enough below some 50,000 chunks (30 ms a
search at 20,000 on two cores). Beyond that, or for more than one machine, use a server. A few
searches run at once and the others wait their turn, within their time-out: with 64 at once instead
of 4, a third as many are done in a second. LanceDB's threads each keep memory of their own: with
MALLOC_ARENA_MAX=2 in the environment a process that searches 20,000 chunks peaks at 540 MB, without
it at 890 MB.

Needs the extra `lancedb`.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import lancedb
import pyarrow as pa
from lancedb import AsyncConnection, AsyncTable

from recado.knowledge.errors import KnowledgeUnavailable
from recado.knowledge.lancedb_making import sole_maker
from recado.knowledge.lancedb_search import hybrid_search
from recado.knowledge.lancedb_staging import (
    forget_staged,
    publish_rows,
    stage_rows,
    staged_rows,
)
from recado.knowledge.lancedb_table import (
    CHUNK_COLUMNS,
    LIVE,
    WORD_INDEX,
    WORDS,
    check_table,
    rows,
    sorted_chunks,
    table_schema,
)
from recado.knowledge.model import Chunk, Document, Passage, SearchResult, StoredDocument
from recado.knowledge.port import Embedder, check_part, check_replacement, check_search

logger = logging.getLogger(__name__)

_EMBEDDING_BATCH = 32
_INDEX_CACHE_BYTES = 128 * 1024 * 1024  # LanceDB's own defaults are gigabytes
_METADATA_CACHE_BYTES = 64 * 1024 * 1024
_OLD_VERSIONS_KEPT = timedelta(minutes=10)
_STORED_COLUMNS = ["document_id", "source", "title", "content_sha256"]


class LanceKnowledgeBase:
    """A knowledge base in the directory `path`, which the first writer makes."""

    def __init__(
        self,
        path: Path,
        embedder: Embedder,
        *,
        collection: str = "passages",
        search_timeout: timedelta = timedelta(seconds=10),
        write_timeout: timedelta = timedelta(seconds=60),
        publish_timeout: timedelta = timedelta(minutes=10),
        maintain_every: int = 20,
        concurrent_searches: int = 4,
    ) -> None:
        # Absolute, because LanceDB takes some relative paths ("db") for addresses of its cloud.
        self._path = path.absolute()
        self._embedder = embedder
        self._collection = collection
        self._search_timeout = search_timeout
        self._write_timeout = write_timeout
        self._publish_timeout = publish_timeout
        self._maintain_every = maintain_every
        self._connection: AsyncConnection | None = None
        self._newest: AsyncTable | None = None  # follows the table
        self._snapshot: tuple[int, AsyncTable] | None = None  # stays at its version
        self._searching = asyncio.Semaphore(concurrent_searches)
        self._moving = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._commits_since_maintenance = 0

    async def open(self) -> None:
        async with self._store(self._search_timeout):
            await self._current()

    async def ready(self) -> None:
        await self.open()

    async def search(
        self, query: str, n: int = 5, *, max_distance: float | None = None
    ) -> SearchResult:
        started = time.perf_counter()
        query = check_search(query, n)
        passages: list[Passage] = []
        if query:
            vector = await self._embedder.embed_query(query)
            async with self._store(self._search_timeout), self._searching:
                passages = await self._search(query, vector, n, max_distance)
        return SearchResult(tuple(passages), timedelta(seconds=time.perf_counter() - started))

    async def stored(self, document_id: UUID) -> StoredDocument | None:
        found = await self._stored_where(f"{LIVE} AND document_id = '{document_id}'")
        return found[0] if found else None

    async def documents(self) -> tuple[StoredDocument, ...]:
        found = await self._stored_where(LIVE)
        return tuple(sorted(found, key=lambda document: document.source))

    async def prepare(self) -> None:
        async with self._writing, self._store(self._write_timeout):
            await self._prepared()

    async def replace(self, document: Document, chunks: Sequence[Chunk]) -> bool:
        check_replacement(document, chunks)
        # First of all: a store that does not fit must not cost the embedding either.
        if await self._holds(document, chunks):
            async with self._writing, self._store(self._write_timeout):
                await forget_staged(await self._prepared(), document.id)
            return False
        table_rows = await self._rows(chunks)
        async with self._writing:
            async with self._store(self._write_timeout):
                table = await self._prepared()
                await (
                    table.merge_insert("id")
                    .when_matched_update_all()
                    .when_not_matched_insert_all()
                    .when_not_matched_by_source_delete(f"document_id = '{document.id}'")
                    .execute(table_rows)
                )
            await self._committed()
        return True

    async def withdraw(self, document_id: UUID) -> bool:
        async with self._writing:
            async with self._store(self._write_timeout):
                table = await self._current()
                if table is None or self._newest is None:
                    return False
                where = f"document_id = '{document_id}'"
                if await table.count_rows(f"{LIVE} AND {where}") == 0:
                    await forget_staged(self._newest, document_id)
                    return False
                await self._newest.delete(where)
            await self._committed()
        return True

    async def stage(self, document: Document, part: int, chunks: Sequence[Chunk]) -> None:
        check_part(document, part, chunks)
        await self.open()
        table_rows = await self._rows(chunks, part)
        async with self._writing:
            async with self._store(self._write_timeout):
                await stage_rows(await self._prepared(), document, part, table_rows)
            await self._committed()

    async def staged(self, document: Document, before: int) -> int:
        async with self._store(self._search_timeout):
            table = await self._current()
            return 0 if table is None else await staged_rows(table, document, before)

    async def publish(self, document: Document, chunks: int) -> None:
        async with self._writing:
            async with self._store(self._publish_timeout):
                table = await self._prepared()
                await publish_rows(table, document, chunks)
            # Its rows were all written anew: until they are indexed each search reads them all.
            await self._maintain(table)

    async def close(self) -> None:
        async with self._writing, self._moving:
            if self._newest is not None and self._commits_since_maintenance:
                await self._maintain(self._newest)
            self._forget()
            if self._connection is not None:
                self._connection.close()  # type: ignore[no-untyped-call]  # its own lack
                self._connection = None

    async def _search(
        self, query: str, vector: list[float], n: int, max_distance: float | None
    ) -> list[Passage]:
        table = await self._current()
        if table is None:
            return []
        try:
            return await hybrid_search(table, query, vector, n, max_distance)
        except* (OSError, RuntimeError, ValueError):
            # A writer's maintenance may take away a version that is being read: read the newest.
            logger.info("a snapshot of the knowledge base went during a search; trying once more")
        self._forget()
        table = await self._current()
        if table is None:
            return []
        try:
            return await hybrid_search(table, query, vector, n, max_distance)
        except* (OSError, RuntimeError, ValueError) as failed:
            raise KnowledgeUnavailable(f"LanceDB: {_first_line(failed.exceptions[0])}") from failed

    async def _stored_where(self, where: str) -> list[StoredDocument]:
        async with self._store(self._search_timeout):
            table = await self._current()
            if table is None:
                return []
            found = await table.query().where(where).select(_STORED_COLUMNS).to_arrow()
        counted = found.group_by(_STORED_COLUMNS).aggregate([([], "count_all")]).to_pylist()
        return [
            StoredDocument(
                id=UUID(row["document_id"]),
                source=row["source"],
                title=row["title"],
                content_sha256=row["content_sha256"],
                chunks=row["count_all"],
            )
            for row in counted
        ]

    async def _holds(self, document: Document, chunks: Sequence[Chunk]) -> bool:
        """Whether these chunks, to the letter, are what searches see of the document."""
        async with self._store(self._search_timeout):
            table = await self._current()
            if table is None:
                return False
            live = table.query().where(f"{LIVE} AND document_id = '{document.id}'")
            found = await live.select(CHUNK_COLUMNS).to_arrow()
        return sorted_chunks(found) == list(chunks)

    async def _rows(self, chunks: Sequence[Chunk], part: int | None = None) -> pa.Table:
        schema = table_schema(self._embedder)
        batches = []
        for start in range(0, len(chunks), _EMBEDDING_BATCH):
            batch = chunks[start : start + _EMBEDDING_BATCH]
            vectors = await self._embedder.embed_passages([chunk.searchable for chunk in batch])
            batches.append(rows(batch, vectors, schema, part))
        return pa.Table.from_batches(batches, schema=schema)

    async def _prepared(self) -> AsyncTable:
        """The table to write to, made if it is not there. Call it holding `_writing`."""
        await self._current()
        if self._newest is None:
            async with sole_maker(self._path):
                await self._current()  # it may have been made while this one waited
                if self._newest is None:
                    await self._make()
        if self._newest is None:
            raise KnowledgeUnavailable(f"collection {self._collection!r} went as it was made")
        return self._newest

    async def _make(self) -> None:
        connection = self._connection or await self._connect()
        table = await connection.create_table(
            self._collection, schema=table_schema(self._embedder), exist_ok=True
        )
        if not await check_table(table, self._embedder):
            await table.create_index(WORDS, config=WORD_INDEX)
        await self._current()

    async def _current(self) -> AsyncTable | None:
        """The newest version of the table, as a handle that stays at it; None if there is none."""
        async with self._moving:
            if self._newest is None:
                self._newest = await self._opened()
                if self._newest is None or not await check_table(self._newest, self._embedder):
                    self._newest = None
                    return None
            try:
                await self._newest.checkout_latest()  # type: ignore[no-untyped-call]  # its own lack
            except (OSError, RuntimeError, ValueError):
                self._forget()  # taken away or made anew: the next call opens what is there then
                raise
            version = await self._newest.version()
            if self._snapshot is None or self._snapshot[0] != version:
                table = await self._opened()
                if table is None:
                    self._forget()
                    return None
                await check_table(table, self._embedder)
                self._snapshot = (await table.version(), table)
            return self._snapshot[1]

    async def _opened(self) -> AsyncTable | None:
        if self._connection is None and not self._path.is_dir():
            return None  # connecting would make it
        connection = self._connection or await self._connect()
        try:
            return await connection.open_table(self._collection)
        except ValueError as error:
            if "not found" in str(error):  # it has no type of its own
                return None
            raise

    async def _connect(self) -> AsyncConnection:
        self._connection = await lancedb.connect_async(
            str(self._path),
            session=lancedb.Session(
                index_cache_size_bytes=_INDEX_CACHE_BYTES,
                metadata_cache_size_bytes=_METADATA_CACHE_BYTES,
            ),
        )
        return self._connection

    def _forget(self) -> None:
        self._newest = None
        self._snapshot = None

    async def _committed(self) -> None:
        self._commits_since_maintenance += 1
        if self._commits_since_maintenance >= self._maintain_every and self._newest is not None:
            await self._maintain(self._newest)

    async def _maintain(self, table: AsyncTable) -> None:
        """Merge small files and update the word index. What was written stands without it too."""
        self._commits_since_maintenance = 0
        try:
            async with asyncio.timeout(self._write_timeout.total_seconds()):
                await table.optimize(cleanup_older_than=_OLD_VERSIONS_KEPT)
        except (OSError, RuntimeError, ValueError) as error:
            logger.warning("LanceDB maintenance failed: %s", _first_line(error))

    @asynccontextmanager
    async def _store(self, timeout: timedelta) -> AsyncIterator[None]:
        """Bounds the time and gives LanceDB's errors, which are built-in ones, their meaning."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                yield
        except TimeoutError as error:
            raise KnowledgeUnavailable(f"LanceDB gave no answer within {timeout}") from error
        except (OSError, RuntimeError, ValueError) as error:
            raise KnowledgeUnavailable(f"LanceDB: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0][:300] or type(error).__name__
