"""What lanes needs of the outside: a consumer, a place for dead letters, somebody who watches.

Each port states its obligations. `recado_lanes.kafka` implements the first two over aiokafka,
`recado_lanes.testing` in memory.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from recado_lanes.dead_letter import DeadLetter
from recado_lanes.errors import CommitRejected, Fatal
from recado_lanes.record import Partition, Record


@dataclass(frozen=True, slots=True)
class Committed:
    """What a group has committed of a partition: the next offset to read, and a text with it."""

    offset: int
    metadata: str = ""


class ConsumerPort(Protocol):
    """A member of a consumer group.

    Whoever drives it must

    - hand every polled record to `Lanes.submit`, per partition in offset order, and go on
      polling while partitions are paused, or the group expels it;
    - await `Lanes.on_revoked` before the group may give the partitions away, and
      `Lanes.on_assigned` afterwards;
    - commit nothing on its own.
    """

    async def commit(
        self, offsets: Mapping[Partition, int], metadata: Mapping[Partition, str] | None = None
    ) -> None:
        """Commit these offsets (each that of the next record to read) for the group.

        A partition's metadata (ASCII) is kept with its offset; without, it has none.

        On return the group has acknowledged all of them. Raises `CommitRejected` when that is
        not so or not known, above all in mid-rebalance; some may have been taken all the same.
        Any other error is taken to be fatal.
        """
        ...

    async def committed(self, partitions: Collection[Partition]) -> Mapping[Partition, Committed]:
        """What the group has committed of these, without those of which it has nothing.

        May raise anything: lanes then goes on as if there were no metadata.
        """
        ...

    def pause(self, partitions: Collection[Partition]) -> None:
        """Deliver no more records of these until they are resumed or assigned anew.

        Partitions that are not assigned are ignored. Records already under way may still come.
        """
        ...

    def resume(self, partitions: Collection[Partition]) -> None:
        """Deliver records of these again, from where it stopped. Ignores as `pause` does."""
        ...


class DeadLetters(Protocol):
    """Where dead letters go."""

    async def publish(self, letter: DeadLetter) -> None:
        """Return only after the letter is stored for good; its record is committed after that.

        Raises `Unavailable` or `Transient` if it may work later: lanes waits and publishes
        again, so that a letter may come twice. Any other error stops the consumer.
        """
        ...


class Skipped(StrEnum):
    """Why a record was not handled although nothing is wrong with it."""

    TOMBSTONE = "tombstone"
    """It has no value, and the options don't ask for such."""

    DONE = "already_done"
    """It was done before the partition came here; the commit's metadata says so."""

    STALE = "stale"
    """It was polled before its partition was revoked; whoever has it now reads it again."""


class Observer(Protocol):
    """Told of what happens, for metrics and logs. Must return at once and not raise.

    `BaseObserver` ignores everything; derive from it to see only some of it.
    """

    def assigned(self, partitions: Collection[Partition]) -> None:
        """The partitions are ours from now on."""
        ...

    def revoked(
        self, partitions: Collection[Partition], *, unfinished: int, took: timedelta
    ) -> None:
        """The partitions are no longer ours; so many records were taken and not done."""
        ...

    def handled(self, record: Record, *, attempts: int, took: timedelta) -> None:
        """A handler has returned; `took` is the last attempt's time."""
        ...

    def skipped(self, record: Record, reason: Skipped) -> None:
        """The record was passed over."""
        ...

    def retrying(self, record: Record, *, attempts: int, error: Exception, wait: timedelta) -> None:
        """An attempt failed and another follows."""
        ...

    def dead_lettered(self, letter: DeadLetter) -> None:
        """The dead letter is acknowledged."""
        ...

    def unavailable(
        self, record: Record, *, error: Exception, lasts: timedelta, alone: bool
    ) -> None:
        """A dependency is down; told at the start and now and then.

        `alone`: only the record's key waits for it and all others go on. Else nothing is begun,
        or the record's partition, whose restore hook waits, has not begun.
        """
        ...

    def available(self, record: Record, *, lasted: timedelta, alone: bool) -> None:
        """It is back. The record and `alone` are those that `unavailable` was told."""
        ...

    def paused(self, partition: Partition, *, waiting: int) -> None:
        """Too much is waiting."""
        ...

    def resumed(self, partition: Partition, *, waiting: int) -> None:
        """Little enough is waiting again."""
        ...

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """The group has acknowledged these offsets."""
        ...

    def commit_rejected(self, offsets: Mapping[Partition, int], error: CommitRejected) -> None:
        """The group has not."""
        ...

    def failed(self, error: Fatal) -> None:
        """The consumer stops because of this error."""
        ...


@dataclass(frozen=True, slots=True)
class PartitionProgress:
    """How far a partition is."""

    waiting: int
    """Records that are not done, those in work among them."""

    span: int
    """Offsets between the first that is not done and the last that was polled."""

    oldest: timedelta | None
    """How long ago the record at the first gap was written; None if all are done."""

    paused: frozenset[str] = field(default_factory=frozenset)
    """Why its intake is paused: `backlog` (too much waits), `metadata` (too much to remember)."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a consumer is."""

    in_flight: int
    """Keys that are worked on."""

    limit: int
    """Keys that may be worked on at once."""

    unavailable: bool
    """Whether nothing is begun because a dependency is down."""

    alone: int
    """Keys that wait for a dependency by themselves, while all others go on."""

    partitions: Mapping[Partition, PartitionProgress]
    """Those that are ours."""


@runtime_checkable
class ProgressObserver(Protocol):
    """An `Observer` that also has these is told of them. Must return at once and not raise."""

    def progress(self, progress: Progress) -> None:
        """Told after every commit, and once a commit interval at least."""
        ...

    def metadata_read(self, partition: Partition, *, done: int, ignored: str | None) -> None:
        """So many records are done already, or why the metadata of a commit is ignored."""
        ...
