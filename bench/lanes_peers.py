"""What else runs asynchronous handlers from a topic: FastStream's own ways, and a library on it."""

import asyncio
from collections import defaultdict

from aiokafka import ConsumerRecord
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from faststream_concurrent_aiokafka import (
    KafkaConcurrentProcessingMiddleware,
    initialize_concurrent_processing,
    stop_concurrent_processing,
)

from bench.lanes_load import CONCURRENCY, PARTITIONS
from bench.lanes_meter import Meter


async def gather(meter: Meter, bootstrap: str, topic: str, group: str) -> None:
    """FastStream in batches, each key's records in order, all keys of a batch at once."""
    broker = KafkaBroker(bootstrap, allow_auto_create_topics=False, logger=None)

    @broker.subscriber(
        topic,
        batch=True,
        batch_timeout_ms=10,
        max_records=500,
        group_id=group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
    )
    async def take(_bodies: list[bytes], message: KafkaMessage) -> None:
        raw: tuple[ConsumerRecord, ...] = message.raw_message
        keys: dict[bytes, list[ConsumerRecord]] = defaultdict(list)
        for record in raw:
            keys[record.key].append(record)

        async def one(records: list[ConsumerRecord]) -> None:
            for record in records:
                await meter.handle(int(record.value))

        await asyncio.gather(*map(one, keys.values()))
        await message.ack()

    await _serve(broker, meter)


async def workers(meter: Meter, bootstrap: str, topic: str, group: str) -> None:
    """FastStream's `max_workers`, one for each partition: a record at a time, each committed."""
    broker = KafkaBroker(bootstrap, allow_auto_create_topics=False, logger=None)

    @broker.subscriber(
        topic,
        max_workers=PARTITIONS,
        group_id=group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.ACK,
    )
    async def take(number: int) -> None:
        await meter.handle(number)

    await _serve(broker, meter)


async def concurrent(meter: Meter, bootstrap: str, topic: str, group: str) -> None:
    """faststream-concurrent-aiokafka with as many at once as lanes, and commits as often."""
    broker = KafkaBroker(bootstrap, allow_auto_create_topics=False, logger=None)
    broker.add_middleware(KafkaConcurrentProcessingMiddleware)
    app = FastStream(broker)

    @broker.subscriber(
        topic, group_id=group, auto_offset_reset="earliest", ack_policy=AckPolicy.MANUAL
    )
    async def take(number: int) -> None:
        await meter.handle(number)

    await initialize_concurrent_processing(
        context=app.context,
        concurrency_limit=CONCURRENCY,
        commit_batch_size=100,
        commit_batch_timeout_sec=0.5,
    )
    await broker.start()
    try:
        await meter.done.wait()
    finally:
        # Before the broker, or its last commit finds no connection and waits for 20 s.
        await stop_concurrent_processing(app.context)
        await broker.stop()


async def _serve(broker: KafkaBroker, meter: Meter) -> None:
    await broker.start()
    try:
        await meter.done.wait()
    finally:
        await broker.stop()
