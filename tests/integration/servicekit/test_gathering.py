"""Gathered records on Apache Kafka: large ones, many at once, and their order."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

from recado.devstack.stack.kafka import ApacheKafka, RealKafka
from recado.schemas.encoding import EncodedEvent
from recado.schemas.topics import MESSAGES
from recado.servicekit.gathering import GatheringWriter
from recado.servicekit.kafka import NotAcknowledged, make_batching_producer
from recado.servicekit.settings import KafkaSettings
from recado.servicekit.topics import apply
from support.topics import TopicFactory

PARTITIONS = MESSAGES.partitions


@asynccontextmanager
async def writer_to(
    bootstrap: str, *names: str, seconds: float = 30.0
) -> AsyncIterator[GatheringWriter]:
    settings = KafkaSettings(kafka_bootstrap_servers=bootstrap)
    producer = make_batching_producer(settings, "test")
    await producer.start()
    partitions = {name: len(await producer.partitions_for(name)) for name in names}
    writer = GatheringWriter(producer, partitions=partitions, timeout=timedelta(seconds=seconds))
    try:
        yield writer
    finally:
        await writer.close()
        await producer.stop()
        writer.forget()


def record(key: str, value: bytes, topic: str) -> EncodedEvent:
    return EncodedEvent(topic, key.encode(), value, (("ce_id", str(uuid4()).encode()),))


async def read(bootstrap: str, topic: str, key: str) -> list[ConsumerRecord[bytes, bytes]]:
    """All that the topic has of this key, by partition and offset."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        fetch_max_bytes=64 * 1024 * 1024,
        max_partition_fetch_bytes=16 * 1024 * 1024,
    )
    await consumer.start()
    try:
        every = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(every)
        ends = await consumer.end_offsets(every)
        found: list[ConsumerRecord[bytes, bytes]] = []
        async with asyncio.timeout(30):
            for one in every:
                while await consumer.position(one) < ends[one]:
                    fetched = await consumer.getmany(one, timeout_ms=500)
                    found += [each for records in fetched.values() for each in records]
        return [one for one in found if one.key == key.encode()]
    finally:
        await consumer.stop()


async def test_a_thousand_records_and_a_large_one_in_a_call_keep_their_order(
    kafka: RealKafka, topic_factory: TopicFactory
) -> None:
    """More than a batch holds, and more than it holds in a single record."""
    key = uuid4().hex
    large = os.urandom(7 * 1024 * 1024)
    values = [b"%d " % number + os.urandom(900) for number in range(1000)]
    values.insert(500, large)
    room = {"max.message.bytes": str(MESSAGES.max_record)}
    topic = await topic_factory(partitions=PARTITIONS, settings=room)
    async with writer_to(kafka.bootstrap, topic) as writer:
        await writer.write([record(key, value, topic) for value in values])
    written = await read(kafka.bootstrap, topic, key)
    assert [one.value for one in written] == values
    assert len({one.partition for one in written}) == 1


async def test_many_calls_at_once_are_each_acknowledged_and_in_order(
    kafka: RealKafka, topic_factory: TopicFactory
) -> None:
    one, other = [await topic_factory(partitions=PARTITIONS) for _ in range(2)]
    keys = [uuid4().hex for _ in range(5)]
    async with writer_to(kafka.bootstrap, one, other) as writer, asyncio.TaskGroup() as tasks:
        for number in range(200):
            both = [
                record(keys[number % 5], b"%d" % number, one),
                record(keys[0], b"%d" % number, other),
            ]
            tasks.create_task(writer.write(both))
            if number % 50 == 0:
                await asyncio.sleep(0.01)
    for place, key in enumerate(keys):
        written = await read(kafka.bootstrap, one, key)
        assert [each.value for each in written] == [b"%d" % n for n in range(place, 200, 5)]
    recorded = await read(kafka.bootstrap, other, keys[0])
    assert [each.value for each in recorded] == [b"%d" % number for number in range(200)]


@pytest.mark.long  # that a late one is there once also test_outage.py of ingress shows
async def test_what_kafka_acknowledges_after_the_time_out_is_told_late(
    own_kafka: ApacheKafka,
) -> None:
    """And it is there once, before what was written after it."""
    name = MESSAGES.name
    await apply(KafkaSettings(kafka_bootstrap_servers=own_kafka.bootstrap), [MESSAGES])
    async with writer_to(own_kafka.bootstrap, name, seconds=1.0) as writer:
        await writer.write([record("key", b"before", name)])
        await own_kafka.kill9()
        with pytest.raises(NotAcknowledged) as failure:
            await writer.write([record("key", b"late", name)])
        assert not failure.value.lasts
        (late,) = failure.value.late.values()
        with pytest.raises(NotAcknowledged) as behind:
            await writer.write([record("key", b"never handed over", name)])
        assert not behind.value.late
        await own_kafka.start()
        async with asyncio.timeout(60):
            await late
        async with asyncio.timeout(60):
            while True:
                try:
                    await writer.write([record("key", b"after", name)])
                    break
                except NotAcknowledged:
                    continue
    written = await read(own_kafka.bootstrap, MESSAGES.name, "key")
    assert [one.value for one in written][:2] == [b"before", b"late"]
    assert [one.value for one in written].count(b"late") == 1
    assert b"never handed over" not in [one.value for one in written]
