"""What travels through the lanes: a record, and the partition that it came from."""

from collections.abc import Awaitable, Callable
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
