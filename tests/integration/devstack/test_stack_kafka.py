"""Apache Kafka keeps what it acknowledged over a crash; noida-db is there for demos."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from recado.devstack.stack.errors import AddressRefused, PortTaken
from recado.devstack.stack.kafka import ApacheKafka, NoidaKafka, RealKafka, choose_kafka
from recado.devstack.stack.part import PartState
from recado.devstack.stack.ports import free_port
from support.topics import TopicFactory, create_topic


@asynccontextmanager
async def acknowledged_producer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def values(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    """The first `count` values of a topic with one partition; fewer if they do not come."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        got: list[bytes | None] = []
        for _ in range(30):
            batches = await consumer.getmany(timeout_ms=1000)
            got.extend(record.value for batch in batches.values() for record in batch)
            if len(got) >= count:
                break
        return got
    finally:
        await consumer.stop()


async def test_acknowledged_records_outlive_a_kill_minus_nine(own_kafka: ApacheKafka) -> None:
    await create_topic(own_kafka.bootstrap, "messages")
    async with acknowledged_producer(own_kafka.bootstrap) as producer:
        for number in range(100):
            await producer.send_and_wait("messages", str(number).encode())
    await own_kafka.kill9()
    assert own_kafka.state() is PartState.DEAD
    await own_kafka.start()
    assert own_kafka.state() is PartState.HEALTHY
    expected = [str(number).encode() for number in range(100)]
    assert await values(own_kafka.bootstrap, "messages", 100) == expected


async def test_a_stop_and_a_start_keep_topics_and_the_port_is_the_same(
    own_kafka: ApacheKafka,
) -> None:
    await create_topic(own_kafka.bootstrap, "messages", partitions=3)
    await own_kafka.stop()
    assert own_kafka.state() is PartState.STOPPED
    await own_kafka.start()
    admin = AIOKafkaAdminClient(bootstrap_servers=own_kafka.bootstrap)
    await admin.start()
    try:
        (description,) = await admin.describe_topics(["messages"])
    finally:
        await admin.close()
    assert len(description["partitions"]) == 3


async def test_a_suspended_broker_is_unready_until_it_is_resumed(own_kafka: ApacheKafka) -> None:
    own_kafka.process.suspend()
    assert await _becomes(own_kafka, PartState.UNREADY)  # a thread may answer before it stops
    own_kafka.process.resume()
    assert await _becomes(own_kafka, PartState.HEALTHY)  # it may have lost its lease meanwhile


async def _becomes(broker: ApacheKafka, state: PartState) -> bool:
    for _ in range(20):
        if await broker.look() is state:
            break
    return broker.state() is state


async def test_each_topic_of_the_factory_is_new_and_has_the_partitions_asked_for(
    kafka: RealKafka, topic_factory: TopicFactory
) -> None:
    first = await topic_factory("messages", partitions=3)
    second = await topic_factory("messages", settings={"cleanup.policy": "compact"})
    assert first != second
    async with acknowledged_producer(kafka.bootstrap) as producer:
        assert await producer.partitions_for(first) == {0, 1, 2}
        assert await producer.partitions_for(second) == {0}


async def test_an_address_from_the_environment_is_used_and_never_stopped(
    kafka: RealKafka, tmp_path: Path
) -> None:
    environment = {"RECADO_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap}
    chosen = choose_kafka(tmp_path, port=1, controller_port=2, environment=environment)
    await chosen.start()
    assert chosen.state() is PartState.HEALTHY
    await chosen.stop()
    assert await kafka.is_ready()


async def test_an_address_where_nothing_answers_is_refused_with_its_variable(
    tmp_path: Path,
) -> None:
    environment = {"RECADO_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}"}
    chosen = choose_kafka(tmp_path, port=1, controller_port=2, environment=environment)
    with pytest.raises(AddressRefused, match="RECADO_KAFKA_BOOTSTRAP_SERVERS"):
        await chosen.start()
    assert chosen.state() is PartState.DEAD


async def test_a_broker_whose_port_is_taken_says_so(tmp_path: Path) -> None:
    port = free_port()
    broker = NoidaKafka(tmp_path, port=port, environment=os.environ)
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(PortTaken, match=f"kafka wants port {port}"),
    ):
        await broker.start()
    assert broker.state() is PartState.DEAD


async def test_noida_db_takes_a_record_and_gives_it_back(tmp_path: Path) -> None:
    broker = NoidaKafka(tmp_path, port=free_port(), environment=os.environ)
    await broker.start()
    try:
        await create_topic(broker.bootstrap, "messages")
        async with acknowledged_producer(broker.bootstrap) as producer:
            await producer.send_and_wait("messages", b"hola")
        assert await values(broker.bootstrap, "messages", 1) == [b"hola"]
    finally:
        await broker.process.stop(grace=timedelta(seconds=5))
