"""What travels through the lanes: a record, and the partition that it came from."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """One partition of one topic."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.number}]"


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record, unchanged. `timestamp` is aware (UTC).

    Key, value and headers are left out of `repr`, for they may hold personal data.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(repr=False)
    timestamp: datetime

    @property
    def source(self) -> Partition:
        """The partition that the record was read from."""
        return Partition(self.topic, self.partition)

    @property
    def position(self) -> str:
        """Topic, partition and offset, as logs and errors write them."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


Handler = Callable[[Record], Awaitable[None]]
"""Does the work of one record.

It returns when the work is done for good, for the record is committed after that. It may be
called again with the same record: after a crash, a rebalance or an error. What it raises says
what happens next, see `recado_lanes.errors`.
"""

Restore = Callable[[Record], Awaitable[None]]
"""Awaited with the first record of a newly assigned partition, before that record is handled.

A service restores here what it must know of the partition. An error is retried as a handler's
is, but it never costs the record: when the attempts are used up the consumer stops.
"""

KeyOf = Callable[[Record], Hashable]
"""Says to which key a record belongs: those of one key are handled in order, one at a time.

None stands for "to no key": such records are one key of their partition, so that they stay in
order too. If it raises, the record's own key counts, for a record that can't be read is the
handler's to judge.
"""


def record_key(record: Record) -> Hashable:
    """The record's own key: the default."""
    return record.key


def every_record_by_itself(record: Record) -> Hashable:
    """No order at all: as many records at once as the limit allows."""
    return record.offset
