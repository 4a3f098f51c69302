"""How a consumer ends while Kafka is away, as it is when a service is stopped in an outage."""

import asyncio

from faststream.kafka import KafkaBroker

from recado.devstack.stack.kafka import ApacheKafka
from recado_lanes import LaneOptions
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions
from recado_lanes.testing import FakeDeadLetters
from support.topics import Topics


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
