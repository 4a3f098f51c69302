"""Stretches of several partitions read as one, in the order of their records' times.

What is read ends where it was said to end when the reading began, so it comes to an end under load.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

WAITING = 500
"""Of one partition, records that wait for those of the others; beyond, it is paused."""

FETCH = 500
"""Records taken from the consumer at once."""

POLL = timedelta(milliseconds=250)

PATIENCE = timedelta(seconds=30)
"""Nothing new for so long means that Kafka won't give what it has."""

Raw: TypeAlias = ConsumerRecord[bytes, bytes]


class Stalled(Exception):
    """Kafka gave nothing for `PATIENCE`, though there is more."""

    def __init__(self) -> None:
        super().__init__(f"Kafka gave nothing for {PATIENCE.total_seconds():.0f} s")


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of one partition: the first that is read, and the first that is not."""

    start: int
    end: int


Spans: TypeAlias = Mapping[TopicPartition, Span]


def _by_partition(partition: TopicPartition) -> int:
    return int(partition.partition)


async def merged(
    consumer: AIOKafkaConsumer,
    spans: Spans,
    *,
    at_one_time: Callable[[TopicPartition], int] = _by_partition,
) -> AsyncGenerator[Raw, None]:
    """The records of these spans: by offset within a partition, merged by time across them.

    `at_one_time` ranks partitions for records of the same millisecond. All partitions of the spans
    are assigned to the consumer. Holds about `WAITING` records of each at most. Raises `Stalled`.
    """
    clock = asyncio.get_running_loop().time
    stalled_at = clock() + PATIENCE.total_seconds()
    waiting: dict[TopicPartition, deque[Raw]] = {one: deque() for one in spans}
    unfinished = set(spans)
    consumer.pause(*(consumer.assignment() - unfinished))
    for partition, span in spans.items():
        consumer.seek(partition, span.start)
    while True:
        # From here on the time is the reader's: it may take as long as it wants with each record.
        given = False
        while not any(not waiting[one] for one in unfinished):
            heads = [one for one, queue in waiting.items() if queue]
            if not heads:
                return
            first = min(heads, key=lambda one: (waiting[one][0].timestamp, at_one_time(one)))
            yield waiting[first].popleft()
            given = True
        if given:
            stalled_at = clock() + PATIENCE.total_seconds()
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
            waiting[partition].extend(one for one in records if one.offset < end)
        for partition in list(unfinished - full):
            # The position, not the last record: what was compacted away at the end never comes.
            if await consumer.position(partition) >= spans[partition].end:
                stalled_at = clock() + PATIENCE.total_seconds()
                unfinished.discard(partition)
                consumer.pause(partition)
        if clock() > stalled_at:
            raise Stalled
