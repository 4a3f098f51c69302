"""Published means acknowledged: against Apache Kafka, with and without it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import ProducerClosed

from recado.devstack.stack.kafka import ApacheKafka, RealKafka
from recado.schemas.encoding import decode, trace_of
from recado.schemas.topics import MESSAGES
from recado.servicekit import tracing
from recado.servicekit.kafka import NotAcknowledged, Publisher, make_event_producer, make_producer
from recado.servicekit.publishing import LastingPublisher
from recado.servicekit.settings import KafkaSettings
from recado.servicekit.topics import apply
from support import examples


async def values(bootstrap: str, topic: str) -> list[bytes]:
    """All that is in a topic."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[bytes] = []
        async with asyncio.timeout(20):
            while len(found) < sum(ends.values()):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [record.value for record in records]
        return found
    finally:
        await consumer.stop()


async def test_an_event_arrives_with_its_trace(kafka: RealKafka) -> None:
    """What was published is in the topic when publish returns, headers and all."""
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap)
    await apply(settings, [MESSAGES])
    tracing.configure("test")
    producer = make_event_producer(settings, "test")
    await producer.start()
    try:
        with tracing.span("webhook"):
            trace = tracing.traceparent()
            await Publisher(producer, "test").publish(examples.MESSAGE_RECEIVED)
    finally:
        await producer.stop()
    consumer = AIOKafkaConsumer(
        MESSAGES.name, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            async for record in consumer:
                if record.key == examples.CONVERSATION.encode():
                    break
    finally:
        await consumer.stop()
    assert decode(record.headers, record.value) == examples.MESSAGE_RECEIVED
    assert trace is not None
    assert trace_of(record.headers) == trace


async def test_without_kafka_publishing_fails_in_time_and_works_again_afterwards(
    own_kafka: ApacheKafka,
) -> None:
    """A caller learns that nothing was acknowledged, and needs no new publisher."""
    settings = KafkaSettings(kafka_bootstrap_servers=own_kafka.bootstrap)
    await apply(settings, [MESSAGES])
    producer = make_event_producer(settings, "test")
    await producer.start()
    publisher = Publisher(producer, "test", timeout=timedelta(seconds=2))
    try:
        await publisher.publish(examples.MESSAGE_RECEIVED)
        await own_kafka.kill9()
        with pytest.raises(NotAcknowledged, match=r"recado\.messages") as failure:
            await publisher.publish(examples.MESSAGE_RECEIVED)
        assert not failure.value.lasts
        await own_kafka.start()
        async with asyncio.timeout(60):
            while True:
                try:
                    await publisher.publish(examples.MESSAGE_RECEIVED)
                    break
                except NotAcknowledged:
                    continue
    finally:
        await producer.stop()


async def test_a_record_that_kafka_refused_spoils_a_connection_and_no_lasting_publisher(
    own_kafka: ApacheKafka,
) -> None:
    """The producer's sequence has a gap: on it, what follows would wait for ever."""
    settings = KafkaSettings(kafka_bootstrap_servers=own_kafka.bootstrap)
    await apply(settings, [replace(MESSAGES, max_record=5_000)])
    small = examples.MESSAGE_RECEIVED
    noise = "".join(uuid4().hex for _ in range(1000))
    too_large = small.model_copy(update={"text": noise})
    producer = make_event_producer(settings, "test")
    await producer.start()
    bare, lasting = Publisher(producer, "test"), LastingPublisher(settings, "test")
    try:
        # Kafka looks for gaps only where it knows the producer.
        await bare.publish(small)
        for event in (too_large, small):
            with pytest.raises(NotAcknowledged) as failure:
                await bare.publish(event)
            assert failure.value.lasts
        await lasting.publish(small)
        with pytest.raises(NotAcknowledged):
            await lasting.publish(too_large)
        await lasting.publish(small)
    finally:
        await lasting.close()
        await producer.stop()


async def test_a_producer_stops_while_kafka_is_away_although_it_holds_a_record(
    own_kafka: ApacheKafka,
) -> None:
    """A service that ends in an outage does not wait for the outage's end.

    Nor does its producer: what it held may be written again by then, by another.
    """
    settings = KafkaSettings(kafka_bootstrap_servers=own_kafka.bootstrap)
    await apply(settings, [MESSAGES])
    producer = make_producer(settings, "test")
    await producer.start()
    await producer.send_and_wait(MESSAGES.name, b"before", b"key")
    await own_kafka.kill9()
    held = await producer.send(MESSAGES.name, b"never acknowledged", b"key")
    async with asyncio.timeout(60):
        await producer.stop()
    assert isinstance(held.exception(), ProducerClosed)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    async with asyncio.timeout(5):
        await asyncio.gather(*others, return_exceptions=True)
    await own_kafka.start()
    assert await values(own_kafka.bootstrap, MESSAGES.name) == [b"before"]


async def test_a_publisher_that_is_closed_while_kafka_is_away_sends_nothing_afterwards(
    own_kafka: ApacheKafka,
) -> None:
    """What it was given may be published again by then, through another connection."""
    settings = KafkaSettings(kafka_bootstrap_servers=own_kafka.bootstrap)
    await apply(settings, [MESSAGES])
    publisher = LastingPublisher(settings, "test")
    await publisher.publish(examples.MESSAGE_RECEIVED)
    (before,) = await values(own_kafka.bootstrap, MESSAGES.name)
    await own_kafka.kill9()
    given_up = asyncio.create_task(publisher.publish(examples.MESSAGE_RECEIVED))
    await asyncio.sleep(0.2)  # handed over by now; that it is not makes the test pass, not fail
    await publisher.close()
    with pytest.raises(NotAcknowledged):
        await given_up
    others = asyncio.all_tasks() - {asyncio.current_task()}
    async with asyncio.timeout(5):
        await asyncio.gather(*others, return_exceptions=True)
    await own_kafka.start()
    assert await values(own_kafka.bootstrap, MESSAGES.name) == [before]
