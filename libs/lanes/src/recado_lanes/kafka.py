"""The ports over aiokafka: a consumer that may be in mid-rebalance, and a dead-letter topic."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
)

from recado_lanes.dead_letter import DeadLetter
from recado_lanes.errors import CommitRejected, ConsumerFailed, Unavailable
from recado_lanes.ports import Committed
from recado_lanes.record import Partition, Record

LAST_TIMESTAMP: Final = 253_402_300_799_000
"""The last second of the year 9999, in milliseconds: a datetime knows none beyond."""


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """How the consumer takes part in its group and reads."""

    group_id: str

    auto_offset_reset: Literal["earliest", "latest", "none"] = "earliest"
    """Where to read when the committed offset is missing or no longer exists.

    With `none` an offset that no longer exists is an error that surfaces (`ConsumerFailed`),
    not a silent jump; use it after a group's first start. See `first_start`.
    """

    first_start: Literal["beginning", "fail"] = "beginning"
    """With `auto_offset_reset="none"`: what to do with a partition without committed offset.

    `beginning` commits the offset of its first record when it is assigned and reads from there,
    so that a first start and a new partition need no other setting. Kafka can't tell these from
    a group whose offsets have expired (`offsets.retention.minutes`, 7 days without members);
    `fail` makes that an error too, and then the first start is to be made with `beginning`.
    """

    session_timeout: timedelta = timedelta(seconds=45)
    """A member that is not heard of for so long is expelled: the failover time of a crash."""

    rebalance_timeout: timedelta = timedelta(seconds=60)
    """So long the group waits for members to give their partitions back.

    aiokafka would take the session time-out for it. It bounds the drain budget of the lanes.
    """

    max_poll_interval: timedelta = timedelta(minutes=5)
    """A member that does not poll for so long leaves. Polling goes on whatever handlers do."""

    heartbeat_interval: timedelta = timedelta(seconds=3)
    """At most a third of the session time-out is used, whatever this says."""

    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed"

    max_records: int = 500
    """Records of one poll at most."""

    poll_timeout: timedelta = timedelta(milliseconds=200)
    """A poll waits so long for records and returns with the first.

    A partition that is resumed with records fetched before is polled this much later at worst.
    """


class AiokafkaConsumerPort:
    """A `ConsumerPort` over the consumer that `current` returns, None while there is none."""

    def __init__(self, current: Callable[[], AIOKafkaConsumer | None]) -> None:
        self._current = current

    async def commit(
        self, offsets: Mapping[Partition, int], metadata: Mapping[Partition, str] | None = None
    ) -> None:
        """See `ConsumerPort.commit`. It may wait for a coordinator without end: bound it."""
        consumer = self._current()
        if consumer is None or is_expelled(consumer):
            raise CommitRejected("not a member of the group")
        texts = metadata or {}
        wanted = {
            TopicPartition(p.topic, p.number): (offset, texts.get(p, ""))
            for p, offset in offsets.items()
        }
        if not consumer.assignment().issuperset(wanted):
            raise CommitRejected("some of the partitions are not assigned")
        try:
            await consumer.commit(wanted)
        except (CommitFailedError, IllegalStateError) as error:
            raise CommitRejected(type(error).__name__) from error
        except KafkaError as error:
            if error.retriable:
                raise CommitRejected(type(error).__name__) from error
            raise ConsumerFailed(f"commit failed: {type(error).__name__}") from error

    async def committed(self, partitions: Collection[Partition]) -> Mapping[Partition, Committed]:
        """See `ConsumerPort.committed`.

        The client's own `committed` drops the metadata; its coordinator, by which it asks, does
        not. There is no public way to ask but over a second connection.
        """
        consumer = self._current()
        if consumer is None:
            return {}
        wanted = {TopicPartition(p.topic, p.number): p for p in partitions}
        found = await consumer._coordinator.fetch_committed_offsets(list(wanted))
        return {
            wanted[tp]: Committed(meta.offset, meta.metadata or "")
            for tp, meta in found.items()
            if meta.offset >= 0
        }

    def pause(self, partitions: Collection[Partition]) -> None:
        """See `ConsumerPort.pause`."""
        consumer = self._current()
        if consumer is not None:
            consumer.pause(*_assigned(consumer, partitions))

    def resume(self, partitions: Collection[Partition]) -> None:
        """See `ConsumerPort.resume`."""
        consumer = self._current()
        if consumer is not None:
            consumer.resume(*_assigned(consumer, partitions))


def is_expelled(consumer: AIOKafkaConsumer) -> bool:
    """Whether the group no longer knows this member.

    aiokafka then forgets its generation at once and revokes later, and a commit without a
    generation is accepted by a group without members: it would put the offsets back. There is
    no public way to ask.
    """
    generation: int = getattr(getattr(consumer, "_coordinator", None), "generation", 0)
    return generation < 0


def waits_for_group(consumer: AIOKafkaConsumer) -> bool:
    """Whether a poll waits until the group has said which partitions are ours.

    It does so from the beginning of a rebalance to its end, without a time-out, hence also for as
    long as Kafka is away. There is no public way to ask.
    """
    subscription = getattr(consumer, "_subscription", None)
    return bool(getattr(subscription, "reassignment_in_progress", False))


async def commit_beginnings(consumer: AIOKafkaConsumer, partitions: Collection[Partition]) -> None:
    """Give assigned partitions that have no committed offset one: that of their first record.

    The consumer then reads from there. Raises aiokafka's errors.
    """
    new = [
        tp
        for tp in (TopicPartition(p.topic, p.number) for p in partitions)
        if await consumer.committed(tp) is None
    ]
    if not new:
        return
    beginnings = await consumer.beginning_offsets(new)
    for tp, offset in beginnings.items():
        consumer.seek(tp, offset)
    # The group may have moved on already; then the next assignment does this again.
    with suppress(CommitFailedError):
        await consumer.commit(beginnings)


def to_record(raw: ConsumerRecord) -> Record:
    """aiokafka's record as ours. A header without a value gets an empty one."""
    return Record(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        key=raw.key,
        value=raw.value,
        headers=tuple((name, value or b"") for name, value in raw.headers),
        # -1 stands for none. A writer may send any number, also one that is no date.
        timestamp=datetime.fromtimestamp(min(max(raw.timestamp, 0), LAST_TIMESTAMP) / 1000, UTC),
    )


def _assigned(
    consumer: AIOKafkaConsumer, partitions: Collection[Partition]
) -> list[TopicPartition]:
    assigned = consumer.assignment()
    wanted = (TopicPartition(p.topic, p.number) for p in partitions)
    return [tp for tp in wanted if tp in assigned]


class Send(Protocol):
    """Writes one record and returns when the broker has acknowledged it.

    `AIOKafkaProducer.send_and_wait` is one; give its producer `acks="all"`. FastStream's
    `publish` is none: its headers are text, and one of a name.
    """

    def __call__(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        *,
        headers: list[tuple[str, bytes]],
    ) -> Awaitable[object]:
        """Raises aiokafka's errors."""
        ...


class KafkaDeadLetters:
    """`DeadLetters` in a topic. Make its record size greater than that of what is consumed."""

    def __init__(self, send: Send, topic: str) -> None:
        self._send = send
        self._topic = topic

    async def publish(self, letter: DeadLetter) -> None:
        """See `DeadLetters.publish`. What Kafka calls retriable is `Unavailable`."""
        record = letter.record
        # A record with neither key nor value is refused by the client.
        value = b"" if record.key is None and record.value is None else record.value
        try:
            await self._send(self._topic, value=value, key=record.key, headers=list(letter.headers))
        except KafkaTimeoutError as error:
            raise Unavailable("the dead letter was not acknowledged in time") from error
        except KafkaError as error:
            if error.retriable:
                raise Unavailable(f"dead letter: {type(error).__name__}") from error
            raise
