"""`apply` against Apache Kafka: creates, updates, and never changes a partition count."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from recado.devstack.stack.kafka import RealKafka
from recado.schemas.topics import Topic
from recado.servicekit.settings import KafkaSettings
from recado.servicekit.topics import Change, PartitionCountDiffers, apply


@pytest.fixture
def settings(kafka: RealKafka) -> KafkaSettings:
    return KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap)


@pytest.fixture
def topic() -> Topic:
    name = f"apply-{uuid.uuid4().hex[:8]}"
    return Topic(name=name, key="x", partitions=3, retention=timedelta(days=7))


async def test_a_missing_topic_is_created_and_then_left_alone(
    settings: KafkaSettings, topic: Topic
) -> None:
    (first,) = await apply(settings, [topic])
    (second,) = await apply(settings, [topic])
    assert (first.change, second.change) == (Change.CREATED, Change.UNCHANGED)


async def test_settings_that_differ_are_updated(settings: KafkaSettings, topic: Topic) -> None:
    await apply(settings, [topic])
    longer = replace(topic, retention=timedelta(days=30), max_record=2 * 1024 * 1024)
    (updated,) = await apply(settings, [longer])
    assert updated.change is Change.UPDATED
    assert dict(updated.settings) == {
        "retention.ms": str(30 * 24 * 3600 * 1000),
        "max.message.bytes": str(2 * 1024 * 1024),
    }
    (again,) = await apply(settings, [longer])
    assert again.change is Change.UNCHANGED


async def test_another_partition_count_is_refused_before_anything_changes(
    settings: KafkaSettings, topic: Topic
) -> None:
    await apply(settings, [topic])
    other = Topic(name=f"{topic.name}-b", key="x", partitions=1, retention=None)
    with pytest.raises(PartitionCountDiffers, match="3 partitions, the contract says 4"):
        await apply(settings, [other, replace(topic, partitions=4)])
    (later,) = await apply(settings, [other])
    assert later.change is Change.CREATED
