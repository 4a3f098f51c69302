"""Reading a stretch of a topic: from where to where, and its partitions merged by time.

Of a topic that is keyed by conversation, one conversation is in one partition, see `partition_of`.
What is read ends where the topic ended when the reading began, so it comes to an end under load.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import murmur2

from recado.cli.output import CliError
from recado.schemas.topics import ALL_TOPICS
from recado.servicekit import merging
from recado.servicekit.merging import Span, Spans
from recado_lanes.kafka import to_record
from recado_lanes.record import Record

_KNOWN = {topic.name: topic for topic in ALL_TOPICS}


@dataclass(frozen=True, slots=True)
class Stretch:
    """What part of a topic is asked for. Times are the records' own, `until` is not included."""

    since: datetime | None = None
    until: datetime | None = None
    partition: int | None = None
    from_offset: int | None = None
    last: int | None = None
    """No more than so many of the last records of each partition are needed."""


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
    """The records of these spans: see `recado.servicekit.merging.merged`. Raises `CliError`."""
    try:
        async with aclosing(merging.merged(consumer, spans)) as records:
            async for raw in records:
                yield to_record(raw)
    except merging.Stalled as error:
        raise CliError(f"{error}.") from error
