"""How a consumer ends while Kafka is away, as it is when a service is stopped in an outage."""

import asyncio
from datetime import timedelta

from faststream.kafka import KafkaBroker

from recado.devstack.stack.kafka import ApacheKafka, RealKafka
from recado_lanes import LaneOptions
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions
from recado_lanes.testing import FakeDeadLetters
from support.topics import TopicFactory, Topics


async def test_it_ends_without_kafka_although_the_producer_holds_a_record(
    own_kafka: ApacheKafka,
) -> None:
    """An idempotent producer keeps what it holds until it is acknowledged: that has no end."""
    topic = await Topics(own_kafka.bootstrap)("orders", partitions=1)
    taken = asyncio.Event()

    async def handle(_record: object) -> None:
        taken.set()

    broker = KafkaBroker(
        own_kafka.bootstrap,
        allow_auto_create_topics=False,
        logger=None,
        acks="all",
        enable_idempotence=True,
    )
    lanes = attach(
        broker,
        handlers={topic: handle},
        dead_letters=FakeDeadLetters(),
        group=GroupOptions(group_id="orders"),
        options=LaneOptions(service="orders"),
    )
    until = asyncio.Event()
    serving = asyncio.create_task(serve(broker, lanes, until))
    async with asyncio.timeout(120):
        while not lanes.assignment:  # noqa: ASYNC110 - the group says so to nobody else
            await asyncio.sleep(0.1)
        await broker.publish(b"before", topic, key=b"key")
        await taken.wait()
        await own_kafka.kill9()
        await broker.publish(b"never acknowledged", topic, key=b"key", no_confirm=True)
        until.set()
        await serving


async def test_a_second_signal_ends_the_draining_at_once(
    kafka: RealKafka, topic_factory: TopicFactory
) -> None:
    """What is in work is cancelled instead of waited for, and is not committed."""
    topic = await topic_factory("orders")
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def handle(_record: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    broker = KafkaBroker(kafka.bootstrap, allow_auto_create_topics=False, logger=None)
    lanes = attach(
        broker,
        handlers={topic: handle},
        dead_letters=FakeDeadLetters(),
        group=GroupOptions(group_id=topic),
        options=LaneOptions(service="orders", drain_budget=timedelta(seconds=45)),
    )
    until, at_once = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(broker, lanes, until, at_once=at_once))
    async with asyncio.timeout(40):
        while not lanes.assignment:  # noqa: ASYNC110 - the group says so to nobody else
            await asyncio.sleep(0.1)
        await broker.publish(b"an order", topic, key=b"key")
        await begun.wait()
        until.set()
        await asyncio.sleep(0.2)
        assert not cancelled.is_set(), "the first signal drains"
        at_once.set()
        await serving
    assert cancelled.is_set()
