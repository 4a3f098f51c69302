"""What all consumers share: metrics of their lanes, and records turned into events.

`LaneMetrics` is an observer of `recado_lanes` by its shape alone: neither library imports the
other.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from time import time
from typing import Protocol, TypeVar

import structlog

from recado.schemas.encoding import UnknownEventType, decode
from recado.schemas.events import Event
from recado.servicekit import metrics

log = structlog.stdlib.get_logger(__name__)

PartitionT = TypeVar("PartitionT")


class ConsumedRecord(Protocol):
    """A record as a lane hands it over."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]: ...
    @property
    def timestamp(self) -> datetime: ...


class _Letter(Protocol):
    @property
    def record(self) -> ConsumedRecord: ...
    @property
    def error(self) -> str: ...
    @property
    def attempts(self) -> int: ...


class AnyPartition(Protocol):
    """A partition as a lane names it."""

    @property
    def topic(self) -> str: ...
    @property
    def number(self) -> int: ...


def event_of(record: ConsumedRecord) -> Event | None:
    """The event in a record; None for a type that this reader does not know, which is counted.

    Raises `UndecodableEvent`: a dead letter.
    """
    try:
        return decode(record.headers, record.value or b"")
    except UnknownEventType as unknown:
        metrics.RECORDS_HANDLED.labels(record.topic, "unknown_type").inc()
        log.info("consumer.unknown_event_type", topic=record.topic, event_type=unknown.event_type)
        return None


class _PartitionProgress(Protocol):
    @property
    def span(self) -> int: ...
    @property
    def oldest(self) -> timedelta | None: ...


class _Progress(Protocol):
    @property
    def in_flight(self) -> int: ...
    @property
    def limit(self) -> int: ...
    @property
    def unavailable(self) -> bool: ...
    @property
    def alone(self) -> int: ...
    @property
    def partitions(self) -> Mapping[AnyPartition, _PartitionProgress]: ...


class _Turning(Protocol):
    @property
    def still(self) -> timedelta: ...
    @property
    def last(self) -> datetime | None: ...


class WatchedLanes(Protocol):
    """Lanes, as far as they are looked into."""

    @property
    def topics(self) -> tuple[str, ...]: ...
    @property
    def turning(self) -> _Turning: ...
    def backlog(self, topic: str) -> Sequence[int]: ...


class LaneMetrics:
    """Counts and times what happens in the lanes, and logs what an operator must see.

    Intake counts as paused as long as anything of ours is, for that reason: a partition in which
    too much waits, or a dependency that is down and without which nothing is begun, or not that
    partition. Keys that wait alone, as for a platform that refuses one integration's token, are
    counted apart: all others go on.
    """

    def __init__(self) -> None:
        self._joined = False
        # Several outages may last in one partition, each told of with the record that met it first.
        self._paused: dict[str, set[tuple[str, int, int]]] = {
            "unavailable": set(),
            "backlog": set(),
        }
        self._turning: _Turning | None = None
        self.topics: tuple[str, ...] = ()
        """Those of the lanes that are watched."""
        self._born = time()
        metrics.LAST_COMMIT.set(self._born)
        metrics.LAST_POLL.set_function(self._last_poll)

    def watch(self, lanes: WatchedLanes) -> None:
        """Have these lanes asked at each scrape what waits, what is in flight, when they polled."""
        self._turning = lanes.turning
        self.topics = lanes.topics
        for topic in lanes.topics:
            metrics.WAITING_RECORDS.labels(topic).set_function(partial(_waiting, lanes, topic))
            metrics.ASSIGNED_PARTITIONS.labels(topic).set_function(partial(_assigned, lanes, topic))

    async def problem(self) -> str | None:
        """A readiness check: what is wrong while the group has not let this process in."""
        return None if self._joined else "not a member of the consumer group yet"

    def stuck(self, limit: timedelta) -> str | None:
        """What is wrong when the poll loop has stood still for longer than the limit."""
        still = self._turning.still if self._turning is not None else timedelta(0)
        return f"no poll for {still.total_seconds():.0f} s" if still > limit else None

    def assigned(self, partitions: Collection[AnyPartition]) -> None:
        """Partitions came, perhaps none."""
        self._joined = True
        metrics.REBALANCES.labels("assigned").inc()
        metrics.LAST_COMMIT.set(time())
        log.info("consumer.assigned", partitions=sorted(map(str, partitions)))

    def revoked(
        self, partitions: Collection[AnyPartition], *, unfinished: int, took: timedelta
    ) -> None:
        """Partitions went; the group is about to say which come."""
        for partition in partitions:
            self._forget(partition)
        metrics.REBALANCES.labels("revoked").inc()
        log.info(
            "consumer.revoked",
            partitions=sorted(map(str, partitions)),
            unfinished=unfinished,
            took=took.total_seconds(),
        )

    def progress(self, progress: _Progress) -> None:
        """How far the lanes are: told after every commit, and about twice a second."""
        metrics.IN_FLIGHT.set(progress.in_flight)
        metrics.CONCURRENCY_LIMIT.set(progress.limit)
        metrics.WAITING_ALONE.set(progress.alone)
        # An outage of everything outlasts the partition whose record met it first.
        self._pause("unavailable", "", -1, paused=progress.unavailable)
        for topic in self.topics:
            ours = [one for key, one in progress.partitions.items() if key.topic == topic]
            metrics.UNCOMMITTED.labels(topic).set(sum(one.span for one in ours))
            oldest = max((one.oldest for one in ours if one.oldest), default=timedelta(0))
            metrics.OLDEST_UNCOMMITTED.labels(topic).set(oldest.total_seconds())

    def metadata_read(self, partition: AnyPartition, *, done: int, ignored: str | None) -> None:
        """What an earlier owner noted as done beyond its commit is skipped, or can't be read."""
        if ignored is not None:
            log.warning("consumer.commit_metadata_ignored", partition=str(partition), why=ignored)
        elif done:
            log.info("consumer.resumed", partition=str(partition), done=done)

    def handled(self, record: ConsumedRecord, *, attempts: int, took: timedelta) -> None:
        """A record is done."""
        del attempts
        metrics.RECORDS_HANDLED.labels(record.topic, "handled").inc()
        metrics.HANDLE_SECONDS.labels(record.topic).observe(took.total_seconds())
        lag = datetime.now(UTC) - record.timestamp
        metrics.TIME_LAG_SECONDS.labels(record.topic).observe(max(0.0, lag.total_seconds()))

    def skipped(self, record: ConsumedRecord, reason: str) -> None:
        """A record was passed over."""
        metrics.RECORDS_HANDLED.labels(record.topic, f"skipped_{reason}").inc()

    def retrying(
        self, record: ConsumedRecord, *, attempts: int, error: Exception, wait: timedelta
    ) -> None:
        """An attempt failed."""
        metrics.RETRIES.labels(record.topic, type(error).__name__).inc()
        log.info(
            "consumer.retrying",
            topic=record.topic,
            attempts=attempts,
            error=type(error).__name__,
            wait=wait.total_seconds(),
        )

    def dead_lettered(self, letter: _Letter) -> None:
        """A record was given up."""
        metrics.RECORDS_HANDLED.labels(letter.record.topic, "dead_letter").inc()
        log.error(
            "consumer.dead_letter",
            topic=letter.record.topic,
            error=letter.error,
            attempts=letter.attempts,
        )

    def unavailable(
        self, record: ConsumedRecord, *, error: Exception, lasts: timedelta, alone: bool
    ) -> None:
        """A dependency is down, for everything or for one key alone."""
        if not alone:
            self._pause("unavailable", record.topic, record.partition, record.offset)
        log.warning(
            "consumer.unavailable",
            topic=record.topic,
            error=f"{type(error).__name__}: {error}",
            lasts=lasts.total_seconds(),
            alone=alone,
        )

    def available(self, record: ConsumedRecord, *, lasted: timedelta, alone: bool) -> None:
        """It is back."""
        if not alone:
            self._pause("unavailable", record.topic, record.partition, record.offset, paused=False)
        log.warning(
            "consumer.available",
            topic=record.topic,
            lasted=lasted.total_seconds(),
            alone=alone,
        )

    def paused(self, partition: AnyPartition, *, waiting: int) -> None:
        """Too much waits."""
        del waiting
        self._pause("backlog", partition.topic, partition.number)

    def resumed(self, partition: AnyPartition, *, waiting: int) -> None:
        """Little enough waits."""
        del waiting
        self._pause("backlog", partition.topic, partition.number, paused=False)

    def committed(self, offsets: Mapping[PartitionT, int]) -> None:
        """Offsets are committed."""
        del offsets
        metrics.LAST_COMMIT.set(time())

    def commit_rejected(self, offsets: Mapping[PartitionT, int], error: Exception) -> None:
        """Offsets are not committed."""
        log.warning("consumer.commit_rejected", partitions=len(offsets), error=str(error))

    def failed(self, error: Exception) -> None:
        """The consumer stops."""
        log.critical("consumer.failed", error=f"{type(error).__name__}: {error}")

    def _last_poll(self) -> float:
        last = self._turning.last if self._turning is not None else None
        return last.timestamp() if last is not None else self._born

    def _pause(
        self, reason: str, topic: str, number: int, offset: int = -1, *, paused: bool = True
    ) -> None:
        held = self._paused[reason]
        if paused:
            held.add((topic, number, offset))
        else:
            held.discard((topic, number, offset))
        metrics.PAUSED.labels(reason).set(bool(held))

    def _forget(self, partition: AnyPartition) -> None:
        for reason, held in self._paused.items():
            left = {one for one in held if one[:2] != (partition.topic, partition.number)}
            self._paused[reason] = left
            metrics.PAUSED.labels(reason).set(bool(left))


def _waiting(lanes: WatchedLanes, topic: str) -> float:
    return sum(lanes.backlog(topic))


def _assigned(lanes: WatchedLanes, topic: str) -> float:
    return len(lanes.backlog(topic))
