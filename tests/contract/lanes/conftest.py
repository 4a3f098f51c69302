"""The worlds that the promises are played on."""

from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer

from support.topics import TopicFactory

from .world import PARTITIONS, FakeWorld, KafkaWorld, World


class HasBootstrap:
    bootstrap: str


@pytest.fixture
async def fake_world() -> AsyncIterator[World]:
    world = FakeWorld()
    yield world
    await world.close()


@pytest.fixture
async def kafka_world(kafka: HasBootstrap, topic_factory: TopicFactory) -> AsyncIterator[World]:
    topic = await topic_factory("letters", partitions=PARTITIONS)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        world = KafkaWorld(kafka.bootstrap, topic, producer)
        yield world
        await world.close()
