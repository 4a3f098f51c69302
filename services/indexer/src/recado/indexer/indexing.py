"""What the indexer does with one event."""

from datetime import timedelta
from time import monotonic

import structlog

from recado.knowledge.chunking import ChunkingOptions, chunk_document
from recado.knowledge.model import Document, Section
from recado.knowledge.port import KnowledgeBase
from recado.schemas.events import DocumentSubmitted, DocumentWithdrawn, Event
from recado.servicekit import metrics

log = structlog.stdlib.get_logger(__name__)


class Indexer:
    """Brings a knowledge base to what the events say, one event after another per document."""

    def __init__(self, knowledge: KnowledgeBase, options: ChunkingOptions | None = None) -> None:
        self._knowledge = knowledge
        self._options = options or ChunkingOptions()

    async def handle(self, event: Event) -> None:
        """Return when the store holds what the event says. Doing it twice changes nothing.

        Raises `KnowledgeUnavailable`, or `InvalidDocument` where the document gives no chunk.
        Events about anything else are ignored.
        """
        match event:
            case DocumentSubmitted():
                await self._submit(event)
            case DocumentWithdrawn():
                await self._withdraw(event)
            case _:
                log.warning("indexer.not_a_document", event_type=event.type)

    async def _submit(self, event: DocumentSubmitted) -> None:
        document = document_of(event)
        chunks = chunk_document(document, self._options)
        stored = await self._knowledge.stored(document.id)
        if (
            stored is not None
            and stored.content_sha256 == document.content_sha256
            and stored.chunks == len(chunks)
            and stored.title == document.title
        ):
            metrics.DOCUMENTS_INDEXED.labels("unchanged").inc()
            return
        started = monotonic()
        await self._knowledge.replace(document, chunks)
        metrics.DOCUMENTS_INDEXED.labels("indexed").inc()
        metrics.CHUNKS_INDEXED.inc(len(chunks))
        log.info(
            "indexer.indexed",
            document_id=str(document.id),
            source=document.source,
            chunks=len(chunks),
            took=timedelta(seconds=monotonic() - started) / timedelta(seconds=1),
        )

    async def _withdraw(self, event: DocumentWithdrawn) -> None:
        if await self._knowledge.withdraw(event.document_id):
            metrics.DOCUMENTS_INDEXED.labels("withdrawn").inc()
            log.info("indexer.withdrawn", document_id=str(event.document_id), source=event.source)


def document_of(event: DocumentSubmitted) -> Document:
    """The document that was submitted, as the knowledge base takes it."""
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
