"""The worlds that the promises are played on."""

from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer

from recado.devstack.stack.kafka import RealKafka
from support.topics import TopicFactory

from .fake_world import FakeWorld
from .kafka_world import KafkaWorld
from .world import PARTITIONS, World


@pytest.fixture
async def fake_world() -> AsyncIterator[World]:
    world = FakeWorld()
    yield world
    await world.close()


@pytest.fixture
async def kafka_world(kafka: RealKafka, topic_factory: TopicFactory) -> AsyncIterator[World]:
    topic = await topic_factory("letters", partitions=PARTITIONS)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        world = KafkaWorld(kafka.bootstrap, topic, producer)
        yield world
        await world.close()
