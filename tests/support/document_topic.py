"""The documents topic in memory: what a writer puts there, and how it looks after compaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from recado.cli.known import KnownDocuments
from recado.schemas.encoding import EncodedEvent, Tombstone, decode, encode
from recado.schemas.events import Event
from recado.servicekit.kafka import NotAcknowledged, Publisher


@dataclass(frozen=True)
class Written:
    """A record as a consumer sees it."""

    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int
    partition_key: bytes


class DocumentTopic(Publisher):
    """Takes what an uploader publishes. After `room` more records it acknowledges none."""

    def __init__(self) -> None:  # it has no broker
        self.records: list[Written] = []
        self.room: int | None = None
        self.largest = 0

    async def publish(self, *events: Event) -> None:
        """As the publisher does."""
        await self.publish_encoded([encode(event, source="test") for event in events])

    async def publish_encoded(self, records: Sequence[EncodedEvent | Tombstone]) -> None:
        """As the publisher does."""
        for record in records:
            if self.room is not None:
                if self.room == 0:
                    raise NotAcknowledged([record.topic], "full")
                self.room -= 1
            now = int(datetime.now(UTC).timestamp() * 1000)
            self.largest = max(self.largest, len(record.value or b""))
            place = record.partition_key or record.key
            self.records.append(Written(record.key, record.value, record.headers, now, place))

    def compacted(self) -> list[Written]:
        """The last record of each key in its place, and no tombstone."""
        last = {record.key: record for record in self.records}
        return [one for one in self.records if last[one.key] is one and one.value is not None]

    def known(self) -> KnownDocuments:
        """What a command that begins now knows."""
        known = KnownDocuments()
        for record in self.records:
            known.take(record)
        return known


def events_in(records: Iterable[Written]) -> list[Event]:
    """What the indexer is given: tombstones are passed over."""
    return [decode(one.headers, one.value) for one in records if one.value is not None]
