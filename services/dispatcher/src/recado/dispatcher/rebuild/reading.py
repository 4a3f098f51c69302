"""The topics, from their beginnings to where they ended when the reading began.

A partition has a reader of its own, and all are read at once: a conversation has one number in all
topics, so no two of them tell of the same. Within it what happened is in the order of the broker's
time: at one time messages come before answers, these before outcomes, and these before statuses,
which is the order in which each can be the cause of the next.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from recado.dispatcher.errors import DispatcherError
from recado.dispatcher.rebuild.core import Rebuilding
from recado.schemas.topics import ANSWERS, DELIVERIES, MESSAGES, STATUSES, WEBHOOKS, Topic
from recado.servicekit.kafka import client_options
from recado.servicekit.merging import Span, Spans, Stalled, merged
from recado.servicekit.settings import KafkaSettings
from recado_lanes.kafka import to_record

IN_ORDER: Final[Sequence[Topic]] = (MESSAGES, ANSWERS, DELIVERIES, STATUSES)
"""What is merged, by rank at one time. Webhooks need no order with it: see `forgetting`."""

SAID_EVERY: Final = timedelta(seconds=1)


class TopicsMissing(DispatcherError):
    """Kafka has not all of the topics."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"there is no topic {', '.join(names)}; `recado topics apply` creates it")


@dataclass(slots=True)
class Progress:
    """How much of what there was has been written."""

    of: int
    records: int = 0
    said: float = field(default=0.0, repr=False)


async def rebuild_from(
    settings: KafkaSettings,
    make: Callable[[], Rebuilding],
    say: Callable[[Progress], None],
) -> Sequence[Rebuilding]:
    """Read everything; what took it, one for each partition.

    `make` gives what takes the records of a partition. Raises `TopicsMissing`, `Stalled`,
    `StoreUnavailable` or `KafkaError`; then what is written is no whole.
    """
    stretches = await _stretches(settings)
    progress = Progress(sum(span.end - span.start for one in stretches for span in one.values()))
    say(progress)
    made: list[Rebuilding] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            for spans in stretches:
                made.append(make())
                tasks.create_task(_read(settings, spans, made[-1], progress, say))
    except* (DispatcherError, Stalled, KafkaError, OSError) as failures:  # one says enough
        raise _first(failures) from None
    say(progress)
    return made


async def _read(
    settings: KafkaSettings,
    spans: Spans,
    rebuilding: Rebuilding,
    progress: Progress,
    say: Callable[[Progress], None],
) -> None:
    ranks = {topic.name: rank for rank, topic in enumerate(IN_ORDER)}
    clock = asyncio.get_running_loop().time
    async with _consumer(settings) as consumer:
        consumer.assign(list(spans))
        records = merged(consumer, spans, at_one_time=lambda one: ranks.get(one.topic, 0))
        async with aclosing(records):
            async for raw in records:
                await rebuilding.take(to_record(raw))
                progress.records += 1
                if clock() - progress.said >= SAID_EVERY.total_seconds():
                    progress.said = clock()
                    say(progress)


async def _stretches(settings: KafkaSettings) -> Sequence[Spans]:
    """What is to be read together, for each partition; the partitions of webhooks after them."""
    async with _consumer(settings) as consumer:
        known = await consumer.topics()
        missing = [topic.name for topic in (*IN_ORDER, WEBHOOKS) if topic.name not in known]
        if missing:
            raise TopicsMissing(missing)
        together = [
            [TopicPartition(topic.name, number) for topic in IN_ORDER]
            for number in range(MESSAGES.partitions)
        ]
        together += [[TopicPartition(WEBHOOKS.name, n)] for n in range(WEBHOOKS.partitions)]
        every = [one for partitions in together for one in partitions]
        starts: Mapping[TopicPartition, int] = await consumer.beginning_offsets(every)
        ends: Mapping[TopicPartition, int] = await consumer.end_offsets(every)
    stretches = (
        {one: Span(starts[one], ends[one]) for one in partitions if starts[one] < ends[one]}
        for partitions in together
    )
    return [spans for spans in stretches if spans]


@asynccontextmanager
async def _consumer(settings: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """Without a group: nothing is committed, and no service notices."""
    consumer = AIOKafkaConsumer(
        **client_options(settings),
        client_id="recado-rebuild",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


def _first(failures: BaseExceptionGroup[Exception]) -> Exception:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
