"""Documents into their topic, in bounded memory.

A document that fits one part of `recado.knowledge.extraction.parts` is one record, and several such
go together. A larger one is written part by part as it is read, each acknowledged before the next,
and the record that counts them makes them the document: an upload that breaks off before it changes
nothing, and the next one begins anew. What the document rested on before is removed after that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from recado.cli.documents import Change, stamp_of
from recado.cli.known import KnownDocuments, Part
from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction.parts import Extraction, open_document
from recado.knowledge.model import Section
from recado.schemas import ids
from recado.schemas.documents import DocumentSection
from recado.schemas.encoding import part_tombstone
from recado.schemas.events import DocumentPartSubmitted, DocumentSubmitted, DocumentWithdrawn
from recado.schemas.topics import MIB
from recado.servicekit.kafka import Publisher

SOURCE = "cli"
BATCH = 20
BATCH_CHARACTERS = 2 * MIB
TOMBSTONES = 500

OnPart = Callable[[Change, int], None]
"""Told of each part of a large document that Kafka has acknowledged, counted from 1."""


class Uploader:
    """Writes what a plan says, and keeps `known` up to date with what Kafka has acknowledged.

    Every call raises `NotAcknowledged`: then some of it may be in Kafka; plan and upload again.
    """

    def __init__(self, publisher: Publisher, known: KnownDocuments) -> None:
        self._publisher = publisher
        self._known = known
        self._pending: list[DocumentSubmitted] = []
        self._pending_characters = 0

    async def submit(self, change: Change, on_part: OnPart | None = None) -> None:
        """Submit a file. A small one may wait for others: `flush` in the end.

        Raises `InvalidDocument` for a file that can't be taken, and leaves nothing of it.
        """
        try:
            extraction = await asyncio.to_thread(open_document, change.file, name=change.source)
            with closing(
                cast("Generator[tuple[Section, ...], None, None]", extraction.parts)
            ) as parts:
                first = await _next(parts)
                second = await _next(parts) if first else None
                if not first:
                    raise InvalidDocument(change.source, "nothing to read in it")
                if second:
                    await self._submit_parts(change, extraction, [first, second], on_part)
                else:
                    await self._submit_one(change, extraction, first)
        except OSError as unreadable:
            reason = unreadable.strerror or type(unreadable).__name__
            raise InvalidDocument(change.source, reason) from unreadable

    async def withdraw(self, *events: DocumentWithdrawn) -> None:
        """Withdraw documents."""
        await self.flush()
        for start in range(0, len(events), BATCH):
            batch = events[start : start + BATCH]
            await self._publisher.publish(*batch)
            for event in batch:
                self._known.withdrawn(event.document_id)
        for event in events:
            await self.tidy(event.document_id)

    async def flush(self) -> None:
        """Write what waits."""
        waiting, self._pending, self._pending_characters = self._pending, [], 0
        if not waiting:
            return
        await self._publisher.publish(*waiting)
        for event in waiting:
            self._known.submitted(event)
        for event in waiting:
            await self.tidy(event.document_id)

    async def tidy(self, document_id: UUID) -> None:
        """Remove the parts that the document does not rest on."""
        if leftovers := list(self._known.leftovers(document_id)):
            await self._remove(document_id, leftovers)

    async def _submit_one(
        self, change: Change, extraction: Extraction, sections: tuple[Section, ...]
    ) -> None:
        check_unchanged(change)
        event = _submission(change, extraction, datetime.now(UTC), sections)
        self._pending.append(event)
        self._pending_characters += sum(len(section.text) for section in sections)
        if len(self._pending) >= BATCH or self._pending_characters >= BATCH_CHARACTERS:
            await self.flush()

    async def _submit_parts(
        self,
        change: Change,
        extraction: Extraction,
        read: list[tuple[Section, ...]],
        on_part: OnPart | None,
    ) -> None:
        await self.flush()
        begun_at = datetime.now(UTC)
        submission = ids.submission_id(change.document_id, change.content_sha256, begun_at)
        written: list[Part] = []
        try:
            async for sections in _all(read, extraction.parts):
                part = len(written)
                await self._publisher.publish(
                    DocumentPartSubmitted(
                        id=ids.part_id(submission, part),
                        occurred_at=begun_at,
                        document_id=change.document_id,
                        submission=submission,
                        part=part,
                        collection=change.collection,
                        source=change.source,
                        title=extraction.title,
                        language=extraction.language,
                        media_type=extraction.media_type,
                        content_sha256=change.content_sha256,
                        sections=_sections(sections),
                    )
                )
                written.append((submission, part))
                self._known.part_written(change.document_id, (submission, part))
                if on_part is not None:
                    on_part(change, len(written))
            check_unchanged(change)
        except (InvalidDocument, OSError):
            await self._remove(change.document_id, written)
            raise
        event = _submission(change, extraction, begun_at, parts=len(written))
        await self._publisher.publish(event)
        self._known.submitted(event)
        await self.tidy(change.document_id)

    async def _remove(self, document_id: UUID, parts: list[Part]) -> None:
        for start in range(0, len(parts), TOMBSTONES):
            some = parts[start : start + TOMBSTONES]
            await self._publisher.publish_encoded(
                [part_tombstone(document_id, *part, source=SOURCE) for part in some]
            )
            self._known.parts_removed(document_id, *some)


def check_unchanged(change: Change) -> None:
    """Raise InvalidDocument if the file is not the one any more whose hash was taken."""
    if stamp_of(change.file) != change.stamp:
        raise InvalidDocument(change.source, "it changed while it was read")


def _submission(
    change: Change,
    extraction: Extraction,
    at: datetime,
    sections: tuple[Section, ...] = (),
    parts: int = 0,
) -> DocumentSubmitted:
    return DocumentSubmitted(
        id=ids.submission_id(change.document_id, change.content_sha256, at if parts else None),
        occurred_at=at,
        document_id=change.document_id,
        collection=change.collection,
        source=change.source,
        title=extraction.title,
        language=extraction.language,
        media_type=extraction.media_type,
        content_sha256=change.content_sha256,
        sections=_sections(sections),
        parts=parts,
    )


def _sections(sections: tuple[Section, ...]) -> tuple[DocumentSection, ...]:
    return tuple(
        DocumentSection(path=section.path, text=section.text, page=section.page)
        for section in sections
    )


async def _all(
    read: list[tuple[Section, ...]], rest: Iterator[tuple[Section, ...]]
) -> AsyncIterator[tuple[Section, ...]]:
    while read:
        yield read.pop(0)
    while sections := await _next(rest):
        yield sections


async def _next(parts: Iterator[tuple[Section, ...]]) -> tuple[Section, ...] | None:
    """The next part, read in a thread; a cancellation waits for it, for it can't be broken off."""
    reading = asyncio.ensure_future(asyncio.to_thread(next, parts, None))
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        await asyncio.wait({reading})
        raise
