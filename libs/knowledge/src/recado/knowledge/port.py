"""The port of the knowledge base: what every store promises, whichever it is.

`KnowledgeReader` is what rag holds, `KnowledgeBase` what the indexer holds: a store with access
rights gives the first a key that can only read. A store is made with its `Embedder`; vectors are
always made here and never by the store's server.

What the contract suite holds every store to:

* Reading own writes: once `replace` or `withdraw` has returned, every search that starts later,
  in this or any other process, finds the new state.
* One version: no search ever returns chunks of two versions of one document, nor of a version
  that was replaced before the search began.
* Nothing yet: before a writer has prepared the collection a reader finds nothing, without error,
  and finds everything soon after the writer has.
* Accents, case and inflexion make no difference to the words that are matched; no character of a
  query is syntax.
* Safe to call from many tasks at once on one event loop.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.model import Chunk, Document, SearchResult, StoredDocument

MAX_QUERY_CHARACTERS = 2000
"""What is searched for is cut here: a longer message costs more and is not found any better."""

MAX_PASSAGES = 50
"""The most passages that one search may ask for."""


class Embedder(Protocol):
    """Turns text into vectors of length 1. The event loop stays free, every wait is bounded."""

    @property
    def name(self) -> str:
        """Model and variant. Vectors of embedders with different names can't be compared."""
        ...

    @property
    def dimensions(self) -> int: ...

    @property
    def no_answer_similarity(self) -> float:
        """Below it a passage does not answer the query. Measured for this model: each has its own
        scale, so a threshold can't be carried from one to another."""
        ...

    async def embed_query(self, text: str) -> list[float]:
        """The vector to search with. Raises KnowledgeUnavailable if the model can't be asked."""
        ...

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text, in order: each text on its own, whatever its neighbours are.

        Memory grows with `texts`: callers pass batches. Raises KnowledgeUnavailable.
        """
        ...


class KnowledgeReader(Protocol):
    """Finds passages."""

    async def open(self) -> None:
        """Connect. Must be awaited before anything else; a second call does nothing.

        Creates nothing. Raises KnowledgeUnavailable, after which the other methods connect by
        themselves as soon as that works, or KnowledgeMisconfigured if the collection
        was made with another embedder or another definition: the message says what differs.
        """
        ...

    async def ready(self) -> None:
        """Return if a search would be answered now, else raise what `search` would raise."""
        ...

    async def search(
        self, query: str, n: int = 5, *, max_distance: float | None = None
    ) -> SearchResult:
        """The `n` passages that fit best (1 to 50), by vectors and by words, the best first.

        With `max_distance` (cosine distance, 1 - similarity) no passage farther away is returned,
        however well its words match. A blank query finds nothing. Raises KnowledgeUnavailable,
        and ValueError for an `n` out of bounds.
        """
        ...

    async def stored(self, document_id: UUID) -> StoredDocument | None:
        """What is stored of this document, if anything. Raises KnowledgeUnavailable."""
        ...

    async def documents(self) -> tuple[StoredDocument, ...]:
        """Every stored document, ordered by source. Raises KnowledgeUnavailable."""
        ...

    async def close(self) -> None:
        """Let go of everything. Nothing may be called afterwards; a second call does nothing."""
        ...


class KnowledgeBase(KnowledgeReader, Protocol):
    """Finds passages, and keeps documents."""

    async def prepare(self) -> None:
        """Create the collection if it is absent. Raises as `open` does."""
        ...

    async def replace(self, document: Document, chunks: Sequence[Chunk]) -> bool:
        """Make `chunks` all that is stored of this document, in one step for every reader.

        Returns when it is durable, True if it wrote. Doing it again changes and embeds nothing and
        returns False. After KnowledgeUnavailable
        (a time-out, say) or a cancellation either the former version stands whole or this one:
        call it again. Versions of one document must be written one after another, in their order;
        different documents may be written at once, by several processes too. Raises
        InvalidDocument if there are no chunks or if they are another document's or version's,
        KnowledgeUnavailable, and KnowledgeMisconfigured.
        """
        ...

    async def stage(self, document: Document, part: int, chunks: Sequence[Chunk]) -> None:
        """Keep these chunks of a version that nobody sees yet, for documents of several parts.

        Returns when they are durable. Parts count from 0, the positions of the chunks go on from
        one to the next. Staging a part again puts these chunks in the place of what it had and of
        all parts behind it, which must come again: nothing of an attempt that broke off, or was cut
        otherwise, is left among them. Without chunks the part is empty. Memory is bounded by
        `chunks`. Of `document` only what identifies the
        version counts, not its sections. What is staged of a version that is never published goes
        with the next `publish`, `replace` or `withdraw` of the document. Raises InvalidDocument
        if the chunks are another document's or version's or do not follow one another,
        KnowledgeUnavailable, and KnowledgeMisconfigured.
        """
        ...

    async def staged(self, document: Document, before: int) -> int:
        """How many chunks of this version are staged in the parts below `before`.

        The positions of the next part go on from there. None once the version is published.
        Raises KnowledgeUnavailable.
        """
        ...

    async def publish(self, document: Document, chunks: int) -> None:
        """Make what is staged of this version all that is stored, in one step for every reader.

        Durability, repeats and order are those of `replace`; publishing again changes nothing.
        Raises InvalidDocument, and changes nothing that is seen, unless `chunks` chunks are staged,
        at the positions from 0 on, and what `replace` raises.
        """
        ...

    async def withdraw(self, document_id: UUID) -> bool:
        """Forget a document, with all that is staged of it. False if none was stored.

        Raises KnowledgeUnavailable.
        """
        ...


def check_search(query: str, n: int) -> str:
    """For stores: the query as it is to be searched, "" if there is nothing to search for."""
    if not 1 <= n <= MAX_PASSAGES:
        raise ValueError(f"n must be between 1 and {MAX_PASSAGES}, not {n}")
    return query.strip()[:MAX_QUERY_CHARACTERS]


def incomplete(document: Document, staged: int, chunks: int) -> InvalidDocument:
    """For stores: why what is staged of this version can't be published."""
    return InvalidDocument(
        document.source, f"{staged} chunks are staged and not 0 to {chunks - 1}, each once"
    )


def check_part(document: Document, part: int, chunks: Sequence[Chunk]) -> None:
    """For stores: raise InvalidDocument unless these can be a part of this version."""
    if part < 0:
        raise ValueError(f"parts count from 0, and {part} is below")
    first = chunks[0].position if chunks else 0
    for position, chunk in enumerate(chunks, start=first):
        _check_chunk(document, chunk, position)


def check_replacement(document: Document, chunks: Sequence[Chunk]) -> None:
    """For stores: raise InvalidDocument unless these are chunks of this version of the document."""
    if not chunks:
        raise InvalidDocument(document.source, "no text to store")
    for position, chunk in enumerate(chunks):
        _check_chunk(document, chunk, position)


def _check_chunk(document: Document, chunk: Chunk, position: int) -> None:
    if chunk.document_id != document.id or chunk.content_sha256 != document.content_sha256:
        raise InvalidDocument(document.source, "a chunk is of another document or version")
    if chunk.position != position:
        raise InvalidDocument(
            document.source, f"chunk {chunk.position} stands where {position} belongs"
        )
