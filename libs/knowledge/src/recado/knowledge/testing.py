"""Fakes for tests of what stands on the knowledge base. They pass the port's contract suite.

An `InMemoryStore` is the server; any number of `InMemoryKnowledgeBase` are connected to it. It can
be taken `down`. `WordEmbedder` needs no model: texts are similar as far as they share words.
"""

import hashlib
import math
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from uuid import UUID

from recado.knowledge.errors import KnowledgeMisconfigured, KnowledgeUnavailable
from recado.knowledge.fusion import fuse
from recado.knowledge.model import Chunk, Document, Passage, SearchResult, StoredDocument
from recado.knowledge.port import (
    Embedder,
    check_part,
    check_replacement,
    check_search,
    incomplete,
)

_STEM = 5
# fmt: off
_SILENT = frozenset({
    "a", "al", "como", "con", "cual", "de", "del", "el", "en", "es", "la", "las", "lo", "los",
    "mi", "no", "o", "para", "por", "que", "se", "si", "su", "tu", "un", "una", "y",
})
# fmt: on


def stems(text: str) -> list[str]:
    """Words without accents, case and endings (roughly: their first letters), none that is mute."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    folded = "".join(char for char in decomposed if not unicodedata.combining(char))
    return [word[:_STEM] for word in re.findall(r"\w+", folded) if word not in _SILENT]


class WordEmbedder:
    """Each stem has a direction of its own (nearly: 256 dimensions); a text is their sum."""

    def __init__(self, name: str = "words", dimensions: int = 256) -> None:
        self.name = name
        self.dimensions = dimensions
        self.no_answer_similarity = 0.1
        self.embedded: list[str] = []

    async def embed_query(self, text: str) -> list[float]:
        return self._vector(text)

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        self.embedded.extend(texts)
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        vector = [0.0] * self.dimensions
        for stem, count in Counter(stems(text)).items():
            digest = hashlib.blake2b(stem.encode(), digest_size=4).digest()
            vector[int.from_bytes(digest) % self.dimensions] += math.sqrt(count)
        length = math.hypot(*vector)
        if length == 0:
            return [1.0, *vector[1:]]
        return [value / length for value in vector]


_Embedded = list[tuple[Chunk, list[float]]]


@dataclass
class _Stored:
    document: StoredDocument
    chunks: _Embedded


@dataclass
class _Staged:
    content_sha256: str
    parts: dict[int, _Embedded] = field(default_factory=dict)


@dataclass
class InMemoryStore:
    """What is kept, and by which embedder. `down` makes every call raise KnowledgeUnavailable."""

    down: bool = False
    embedder: str | None = None
    documents: dict[UUID, _Stored] = field(default_factory=dict)
    staged: dict[UUID, list[_Staged]] = field(default_factory=dict)


class InMemoryKnowledgeBase:
    """Implements `recado.knowledge.port.KnowledgeBase`, for tests."""

    def __init__(self, embedder: Embedder, store: InMemoryStore | None = None) -> None:
        self.store = store or InMemoryStore()
        self._embedder = embedder

    async def open(self) -> None:
        self._check()

    async def ready(self) -> None:
        self._check()

    async def prepare(self) -> None:
        self._check()
        self.store.embedder = self._identity

    async def search(
        self, query: str, n: int = 5, *, max_distance: float | None = None
    ) -> SearchResult:
        started = time.perf_counter()
        query = check_search(query, n)
        self._check()
        passages = await self._passages(query) if query else []
        if max_distance is not None:
            passages = [found for found in passages if 1 - found.similarity <= max_distance]
        passages.sort(key=lambda found: (-found.score, -found.similarity, found.id))
        return SearchResult(tuple(passages[:n]), timedelta(seconds=time.perf_counter() - started))

    async def replace(self, document: Document, chunks: Sequence[Chunk]) -> bool:
        check_replacement(document, chunks)
        self._check()
        before = self.store.documents.get(document.id)
        if before is not None and [chunk for chunk, _ in before.chunks] == list(chunks):
            self.store.staged.pop(document.id, None)
            return False
        self._store(document, await self._embedded(chunks))
        return True

    async def stage(self, document: Document, part: int, chunks: Sequence[Chunk]) -> None:
        check_part(document, part, chunks)
        embedded = await self._embedded(chunks)
        staged = self._staged(document)
        before = {number: kept for number, kept in staged.parts.items() if number < part}
        staged.parts = {**before, part: embedded}

    async def staged(self, document: Document, before: int) -> int:
        self._check()
        parts = self._staged(document).parts
        return sum(len(chunks) for part, chunks in parts.items() if part < before)

    async def publish(self, document: Document, chunks: int) -> None:
        self._check()
        parts = self._staged(document).parts
        staged = [chunk for part in sorted(parts) for chunk in parts[part]]
        found = self.store.documents.get(document.id)
        seen = (found.document.content_sha256, found.document.chunks) if found else None
        if not staged and seen == (document.content_sha256, chunks):
            self.store.staged.pop(document.id, None)
            return
        if not chunks or [chunk.position for chunk, _ in staged] != list(range(chunks)):
            raise incomplete(document, len(staged), chunks)
        self._store(document, staged)

    async def withdraw(self, document_id: UUID) -> bool:
        self._check()
        self.store.staged.pop(document_id, None)
        return self.store.documents.pop(document_id, None) is not None

    async def stored(self, document_id: UUID) -> StoredDocument | None:
        self._check()
        found = self.store.documents.get(document_id)
        return found.document if found else None

    async def documents(self) -> tuple[StoredDocument, ...]:
        self._check()
        kept = (stored.document for stored in self.store.documents.values())
        return tuple(sorted(kept, key=lambda document: document.source))

    async def close(self) -> None:
        return

    @property
    def _identity(self) -> str:
        return f"{self._embedder.name} ({self._embedder.dimensions})"

    def _check(self) -> None:
        if self.store.down:
            raise KnowledgeUnavailable("the store is down")
        if self.store.embedder not in (None, self._identity):
            raise KnowledgeMisconfigured(
                "memory", {"embedder": (str(self.store.embedder), self._identity)}
            )

    async def _embedded(self, chunks: Sequence[Chunk]) -> _Embedded:
        self._check()
        vectors = await self._embedder.embed_passages([chunk.searchable for chunk in chunks])
        self._check()
        self.store.embedder = self._identity
        return list(zip(chunks, vectors, strict=True))

    def _store(self, document: Document, chunks: _Embedded) -> None:
        kept = StoredDocument(
            id=document.id,
            source=document.source,
            title=document.title,
            content_sha256=document.content_sha256,
            chunks=len(chunks),
        )
        self.store.documents[document.id] = _Stored(kept, chunks)
        self.store.staged.pop(document.id, None)

    def _staged(self, document: Document) -> _Staged:
        versions = self.store.staged.setdefault(document.id, [])
        for version in versions:
            if version.content_sha256 == document.content_sha256:
                return version
        versions.append(_Staged(document.content_sha256))
        return versions[-1]

    async def _passages(self, query: str) -> list[Passage]:
        vector = await self._embedder.embed_query(query)
        asked = set(stems(query))
        candidates = [
            (chunk, sum(a * b for a, b in zip(vector, other, strict=True)))
            for stored in self.store.documents.values()
            for chunk, other in stored.chunks
        ]
        words = [float(len(asked.intersection(stems(chunk.searchable)))) for chunk, _ in candidates]
        scores = fuse([similarity for _, similarity in candidates], words)
        return [
            Passage(**asdict(chunk), score=score, similarity=similarity)
            for (chunk, similarity), score in zip(candidates, scores, strict=True)
        ]
