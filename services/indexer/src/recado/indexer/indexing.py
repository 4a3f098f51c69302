"""What the indexer does with one event.

A document in several parts is staged part by part, and its final event publishes it. A part is
staged only behind the one before it, so that the last one's being there means that all are.

What is delivered again may begin amid such a submission, when all of it was handled before. If it
is what is stored, it is left alone. If another version has taken its place since, its first parts
are gone: it is passed over, and what follows in the topic stands. A submission with parts missing
that this process saw begin, or that would be the only version stored, is refused.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from uuid import UUID

import structlog

from recado.knowledge.chunking import ChunkingOptions, chunk_document
from recado.knowledge.errors import InvalidDocument
from recado.knowledge.model import Chunk, Document, Section
from recado.knowledge.port import KnowledgeBase
from recado.schemas.events import (
    DocumentPartSubmitted,
    DocumentSubmitted,
    DocumentWithdrawn,
    Event,
)
from recado.servicekit import metrics

log = structlog.stdlib.get_logger(__name__)


class Indexer:
    """Brings a knowledge base to what the events say, one event after another per document."""

    def __init__(self, knowledge: KnowledgeBase, options: ChunkingOptions | None = None) -> None:
        self._knowledge = knowledge
        self._options = options or ChunkingOptions()
        self._begun: set[UUID] = set()  # submissions whose first part came and whose end did not

    async def handle(self, event: Event) -> None:
        """Return when the store holds what the event says. Doing it twice changes nothing.

        Raises `KnowledgeUnavailable`, or `InvalidDocument` where the document gives no chunk or
        parts of it are missing. Events about anything else are ignored.
        """
        match event:
            case DocumentPartSubmitted():
                await self._stage(event)
            case DocumentSubmitted(parts=0):
                await self._replace(event)
            case DocumentSubmitted():
                await self._publish(event)
            case DocumentWithdrawn():
                await self._withdraw(event)
            case _:
                log.warning("indexer.not_a_document", event_type=event.type)

    async def _replace(self, event: DocumentSubmitted) -> None:
        document = document_of(event)
        chunks = await asyncio.to_thread(chunk_document, document, self._options)
        started = monotonic()
        if not await self._knowledge.replace(document, chunks):
            metrics.DOCUMENTS_INDEXED.labels("unchanged").inc()
            return
        metrics.CHUNKS_INDEXED.inc(len(chunks))
        _indexed(document, len(chunks), started)

    async def _stage(self, event: DocumentPartSubmitted) -> None:
        document = document_of(event)
        if event.part == 0:
            self._begun.add(event.submission)
        if await self._is_stored(document):
            return
        before = await self._knowledge.staged(document, event.part)
        if event.part and before == await self._knowledge.staged(document, event.part - 1):
            # The final event will be refused and say so; here each later part would say it again.
            log.warning(
                "indexer.part_passed_over",
                document_id=str(document.id),
                part=event.part,
                reason="the part before it is missing",
            )
            return
        started = monotonic()
        try:
            chunks = await self._part(document, event.part, before)
            await self._knowledge.stage(document, event.part, chunks)
        except InvalidDocument:
            await self._knowledge.stage(document, event.part, [])  # nor half of it
            raise
        metrics.CHUNKS_INDEXED.inc(len(chunks))
        log.info(
            "indexer.staged",
            document_id=str(document.id),
            source=document.source,
            part=event.part,
            chunks=len(chunks),
            took=_seconds_since(started),
        )

    async def _part(self, document: Document, part: int, first: int) -> list[Chunk]:
        """The chunks of a part, positions from `first` on."""
        chunks = await asyncio.to_thread(chunk_document, document, self._options)
        if not chunks:
            raise InvalidDocument(document.source, f"part {part} has no text")
        return [replace(chunk, position=first + chunk.position) for chunk in chunks]

    async def _publish(self, event: DocumentSubmitted) -> None:
        document = document_of(event)
        if await self._is_stored(document):
            metrics.DOCUMENTS_INDEXED.labels("unchanged").inc()
            self._begun.discard(event.id)
            return
        chunks = await self._knowledge.staged(document, event.parts)
        if chunks == await self._knowledge.staged(document, event.parts - 1):
            if event.id not in self._begun and await self._knowledge.stored(document.id):
                log.warning(
                    "indexer.submission_passed_over",
                    document_id=str(document.id),
                    source=document.source,
                    reason="its first parts came before and another version stands",
                )
                return
            missing = await self._first_missing(document, event.parts)
            reason = f"part {missing} of {event.parts} (counted from 0) is missing: submit it again"
            raise InvalidDocument(document.source, reason)
        started = monotonic()
        await self._knowledge.publish(document, chunks)
        self._begun.discard(event.id)
        _indexed(document, chunks, started)

    async def _is_stored(self, document: Document) -> bool:
        """Whether this version is what searches see. How it was cut then is not looked at."""
        stored = await self._knowledge.stored(document.id)
        return (
            stored is not None
            and stored.content_sha256 == document.content_sha256
            and stored.title == document.title
        )

    async def _first_missing(self, document: Document, parts: int) -> int:
        before = 0
        for part in range(parts):
            upto = await self._knowledge.staged(document, part + 1)
            if upto == before:
                return part
            before = upto
        return parts - 1

    async def _withdraw(self, event: DocumentWithdrawn) -> None:
        if await self._knowledge.withdraw(event.document_id):
            metrics.DOCUMENTS_INDEXED.labels("withdrawn").inc()
            log.info("indexer.withdrawn", document_id=str(event.document_id), source=event.source)


def document_of(event: DocumentSubmitted | DocumentPartSubmitted) -> Document:
    """The document that was submitted, or a part of it, as the knowledge base takes it."""
    return Document(
        id=event.document_id,
        source=event.source,
        title=event.title,
        language=event.language,
        content_sha256=event.content_sha256,
        sections=tuple(
            Section(path=section.path, text=section.text, page=section.page)
            for section in event.sections
        ),
    )


def _indexed(document: Document, chunks: int, started: float) -> None:
    metrics.DOCUMENTS_INDEXED.labels("indexed").inc()
    log.info(
        "indexer.indexed",
        document_id=str(document.id),
        source=document.source,
        chunks=chunks,
        took=_seconds_since(started),
    )


def _seconds_since(started: float) -> float:
    return timedelta(seconds=monotonic() - started) / timedelta(seconds=1)
