"""Reading a stretch of a topic: from where to where, and its partitions merged by time.

Of a topic that is keyed by conversation, one conversation is in one partition, see `partition_of`.
What is read ends where the topic ended when the reading began, so it comes to an end under load.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import murmur2

from recado.cli.output import CliError
from recado.cli.records import POLL
from recado.schemas.topics import ALL_TOPICS
from recado_lanes.kafka import to_record
from recado_lanes.record import Record

WAITING = 500
"""Of one partition, records that wait for those of the others; beyond, it is paused."""

FETCH = 500
"""Records taken from the consumer at once."""

PATIENCE = timedelta(seconds=30)
"""Nothing new for so long means that Kafka won't give what it has."""

_KNOWN = {topic.name: topic for topic in ALL_TOPICS}


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of one partition: the first that is read, and the first that is not."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """What part of a topic is asked for. Times are the records' own, `until` is not included."""

    since: datetime | None = None
    until: datetime | None = None
    partition: int | None = None
    from_offset: int | None = None
    last: int | None = None
    """No more than so many of the last records of each partition are needed."""


Spans = Mapping[TopicPartition, Span]


def partition_of(key: str, partitions: int) -> int:
    """The partition that records with this key are in: murmur2, as Kafka's own clients do it."""
    number: int = (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
    return number


def partition_in(topic: str, key: str) -> int | None:
    """The partition of one of our topics that has the records with this key; None for others."""
    known = _KNOWN.get(topic)
    return None if known is None else partition_of(key, known.partitions)


async def spans_of(consumer: AIOKafkaConsumer, topic: str, stretch: Stretch) -> Spans:
    """Where to read, without reading: Kafka knows the first offset at or after a time.

    Where the broker sets the times they rise with the offsets, so `until` ends the reading too.
    Elsewhere records before the end may be later than `until`: look at each one's time.
    Raises `CliError` for a partition that is not there.
    """
    known = _KNOWN.get(topic)
    partitions = [
        one
        for one in consumer.assignment()
        if one.topic == topic and stretch.partition in (None, one.partition)
    ]
    if not partitions:
        raise CliError(f"{topic} has no partition {stretch.partition}.")
    starts = dict(await consumer.beginning_offsets(partitions))
    ends = dict(await consumer.end_offsets(partitions))
    if stretch.since is not None:
        for one, offset in (await _offsets_at(consumer, partitions, stretch.since)).items():
            starts[one] = max(starts[one], ends[one] if offset is None else offset)
    if stretch.until is not None and known is not None and known.broker_time:
        for one, offset in (await _offsets_at(consumer, partitions, stretch.until)).items():
            ends[one] = ends[one] if offset is None else min(ends[one], offset)
    if stretch.from_offset is not None:
        starts = {one: max(start, stretch.from_offset) for one, start in starts.items()}
    # Compaction leaves gaps: there, so many offsets are fewer records.
    if stretch.last is not None and known is not None and not known.compacted:
        starts = {one: max(start, ends[one] - stretch.last) for one, start in starts.items()}
    return {one: Span(starts[one], ends[one]) for one in partitions if starts[one] < ends[one]}


async def _offsets_at(
    consumer: AIOKafkaConsumer, partitions: list[TopicPartition], at: datetime
) -> dict[TopicPartition, int | None]:
    milliseconds = max(0, int(at.timestamp() * 1000))
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
    return {one: place.offset if place is not None else None for one, place in found.items()}


async def merged(consumer: AIOKafkaConsumer, spans: Spans) -> AsyncGenerator[Record, None]:
    """The records of these spans: in order within a partition, merged by time across them.

    Holds about `WAITING` records of each partition at most. Raises `CliError` where Kafka gives
    nothing for `PATIENCE`.
    """
    clock = asyncio.get_running_loop().time
    stalled_at = clock() + PATIENCE.total_seconds()
    waiting: dict[TopicPartition, deque[Record]] = {one: deque() for one in spans}
    unfinished = set(spans)
    consumer.pause(*(consumer.assignment() - unfinished))
    for partition, span in spans.items():
        consumer.seek(partition, span.start)
    while True:
        while not any(not waiting[one] for one in unfinished):
            heads = [queue for queue in waiting.values() if queue]
            if not heads:
                return
            yield min(heads, key=_head_time).popleft()
        full = {one for one in unfinished if len(waiting[one]) >= WAITING}
        consumer.pause(*full)
        consumer.resume(*(unfinished - full))
        fetched = await consumer.getmany(
            *(unfinished - full),
            timeout_ms=int(POLL / timedelta(milliseconds=1)),
            max_records=FETCH,
        )
        if fetched:
            stalled_at = clock() + PATIENCE.total_seconds()
        for partition, records in fetched.items():
            end = spans[partition].end
            waiting[partition].extend(to_record(one) for one in records if one.offset < end)
        for partition in list(unfinished - full):
            # The position, not the last record: what was compacted away at the end never comes.
            if await consumer.position(partition) >= spans[partition].end:
                stalled_at = clock() + PATIENCE.total_seconds()
                unfinished.discard(partition)
                consumer.pause(partition)
        if clock() > stalled_at:
            raise CliError(f"Kafka gave nothing for {PATIENCE.total_seconds():.0f} s.")


def _head_time(queue: deque[Record]) -> tuple[datetime, int]:
    return queue[0].timestamp, queue[0].partition
