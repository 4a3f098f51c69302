"""What the documents topic says: which documents there are, and which records they rest on.

Nothing of their text is kept, and of a part only the key is looked at.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from aiokafka import AIOKafkaConsumer

from recado.cli.records import POLL, reader
from recado.schemas.encoding import EncodingError, decode, parse_part_key
from recado.schemas.events import DocumentSubmitted, DocumentWithdrawn
from recado.schemas.topics import DOCUMENTS, MIB
from recado.servicekit.settings import KafkaSettings

FETCH_BYTES = 2 * MIB
"""Of a partition at once; Kafka gives a larger record all the same, alone."""

STRAY_AGE = timedelta(hours=1)
"""A part of a submission that is not complete after so long belongs to an upload that broke off.
A younger one may be another command's that is at work."""

Part = tuple[UUID, int]
"""A part by its submission and number."""


class TopicRecord(Protocol):
    """A record as aiokafka gives it."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Iterable[tuple[str, bytes]]: ...
    @property
    def timestamp(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Known:
    """A document that is submitted and not withdrawn."""

    collection: str
    source: str
    content_sha256: str
    submission: UUID
    parts: int = 0


@dataclass
class KnownDocuments:
    """The state that the topic's records add up to."""

    documents: dict[UUID, Known] = field(default_factory=dict)
    parts: dict[UUID, dict[Part, datetime]] = field(default_factory=dict)
    """The parts in the topic by document, and when they were written: any submission's."""
    former: set[UUID] = field(default_factory=set)
    """Submissions that were in force and are no more."""

    def submitted(self, event: DocumentSubmitted) -> None:
        """A submission is in force."""
        self._end(event.document_id, event.id)
        self.documents[event.document_id] = Known(
            collection=event.collection,
            source=event.source,
            content_sha256=event.content_sha256,
            submission=event.id,
            parts=event.parts,
        )

    def withdrawn(self, document_id: UUID) -> None:
        """A document is gone; its parts, if any, are left over."""
        self._end(document_id)
        self.documents.pop(document_id, None)

    def part_written(self, document_id: UUID, part: Part, at: datetime | None = None) -> None:
        """A part is in the topic."""
        self.parts.setdefault(document_id, {})[part] = at or datetime.now(UTC)

    def parts_removed(self, document_id: UUID, *parts: Part) -> None:
        """Parts are there no more."""
        for part in parts:
            self.parts.get(document_id, {}).pop(part, None)

    def holds(self, document_id: UUID, content_sha256: str) -> bool:
        """Whether this version is in force, with every part that it rests on."""
        known = self.documents.get(document_id)
        if known is None or known.content_sha256 != content_sha256:
            return False
        there = self.parts.get(document_id, {})
        return all((known.submission, part) in there for part in range(known.parts))

    def leftovers(self, document_id: UUID) -> Iterator[Part]:
        """Parts that nothing rests on, nor will, in order."""
        known = self.documents.get(document_id)
        old = datetime.now(UTC) - STRAY_AGE
        for (submission, part), written in sorted(self.parts.get(document_id, {}).items()):
            in_force = known is not None and submission == known.submission
            if not in_force and (submission in self.former or written < old):
                yield submission, part

    def _end(self, document_id: UUID, successor: UUID | None = None) -> None:
        known = self.documents.get(document_id)
        if known is not None and known.submission != successor:
            self.former.add(known.submission)

    def take(self, record: TopicRecord) -> None:
        """The next record of a partition."""
        if (named := parse_part_key(record.key or b"")) is not None:
            document, submission, part = named
            if record.value is None:
                self.parts_removed(document, (submission, part))
            else:
                written = datetime.fromtimestamp(record.timestamp / 1000, UTC)
                self.part_written(document, (submission, part), written)
            return
        try:
            event = decode(record.headers, record.value or b"")
        except EncodingError:
            return
        if isinstance(event, DocumentSubmitted):
            self.submitted(event)
        elif isinstance(event, DocumentWithdrawn):
            self.withdrawn(event.document_id)


async def known_documents(settings: KafkaSettings) -> KnownDocuments:
    """Read the topic to its present end. Raises `CliError`."""
    known = KnownDocuments()
    async with reader(settings, DOCUMENTS.name, fetch_bytes=FETCH_BYTES) as consumer:
        ends = {
            partition: end
            for partition, end in (await consumer.end_offsets(consumer.assignment())).items()
            if end > 0
        }
        while ends:
            await _take_some(consumer, known)
            positions = {partition: await consumer.position(partition) for partition in ends}
            ends = {partition: end for partition, end in ends.items() if positions[partition] < end}
    return known


async def _take_some(consumer: AIOKafkaConsumer, known: KnownDocuments) -> None:
    fetched = await consumer.getmany(timeout_ms=int(POLL / timedelta(milliseconds=1)))
    for records in fetched.values():
        for record in records:
            known.take(record)
