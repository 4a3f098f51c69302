"""Create the topics of the contract, or bring their settings up to date.

A partition count is never changed: it would send conversations to other partitions and break
their order. See docs/decisions.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from recado.schemas.topics import ALL_TOPICS, Topic
from recado.servicekit.kafka import client_options
from recado.servicekit.settings import KafkaSettings

MOST_COPIES = 3
"""Of each partition, where nothing else is said and there are as many brokers."""


class TopicsError(Exception):
    """The topics could not be brought to what the contract says."""


class PartitionCountDiffers(TopicsError):
    """A topic exists with another number of partitions. Growing one is a migration."""

    def __init__(self, topic: str, actual: int, wanted: int) -> None:
        super().__init__(
            f"{topic} has {actual} partitions, the contract says {wanted}: "
            "changing the number breaks the order of conversations, so it is a migration"
        )
        self.topic = topic


class Change(StrEnum):
    """What `apply` did to a topic."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Applied:
    """One topic after `apply`. `settings` are those that were changed, with their new values."""

    topic: Topic
    change: Change
    settings: tuple[tuple[str, str], ...] = ()


@asynccontextmanager
async def admin_client(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client, closed in the end."""
    admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=15_000)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def apply(
    settings: KafkaSettings,
    topics: Iterable[Topic] = ALL_TOPICS,
    *,
    replication_factor: int | None = None,
) -> list[Applied]:
    """Create what is missing and update settings that differ. Safe to run again and at once.

    Without a replication factor, topics get a copy on each broker, three at most. Raises
    `PartitionCountDiffers` before anything is changed, `TopicsError` where Kafka refuses.
    """
    wanted = list(topics)
    async with admin_client(settings) as admin:
        existing = await _partition_counts(admin, [topic.name for topic in wanted])
        for topic in wanted:
            actual = existing.get(topic.name)
            if actual is not None and actual != topic.partitions:
                raise PartitionCountDiffers(topic.name, actual, topic.partitions)
        missing = [topic for topic in wanted if topic.name not in existing]
        if missing:
            copies = replication_factor or min(MOST_COPIES, await _brokers(admin))
            await _create(admin, missing, copies)
        applied = [Applied(topic, Change.CREATED) for topic in missing]
        applied += [await _update(admin, topic) for topic in wanted if topic.name in existing]
    return sorted(applied, key=lambda one: one.topic.name)


async def _partition_counts(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    present = set(await admin.list_topics()) & set(names)
    if not present:
        return {}
    described = await admin.describe_topics(sorted(present))
    return {one["topic"]: len(one["partitions"]) for one in described}


async def _brokers(admin: AIOKafkaAdminClient) -> int:
    return len((await admin.describe_cluster())["brokers"])


async def _create(admin: AIOKafkaAdminClient, topics: list[Topic], replication_factor: int) -> None:
    response = await admin.create_topics(
        [
            NewTopic(
                name=topic.name,
                num_partitions=topic.partitions,
                replication_factor=replication_factor,
                topic_configs=dict(topic.settings()),
            )
            for topic in topics
        ]
    )
    for name, code, *rest in response.topic_errors:
        error = for_code(code)
        if code and error.__name__ != "TopicAlreadyExistsError":
            raise TopicsError(f"{name}: {error.__name__} {rest[0] if rest and rest[0] else ''}")


async def _update(admin: AIOKafkaAdminClient, topic: Topic) -> Applied:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
    actual: dict[str, str] = {}
    for response in await admin.describe_configs([resource]):
        for _code, _message, _type, _name, entries in response.resources:
            actual |= {entry[0]: entry[1] for entry in entries}
    differing = tuple(
        (key, value) for key, value in topic.settings().items() if actual.get(key) != value
    )
    if not differing:
        return Applied(topic, Change.UNCHANGED)
    # AlterConfigs replaces all of a topic's own settings, so all are given.
    change = ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=dict(topic.settings()))
    for response in await admin.alter_configs([change]):
        for code, message, *_ in response.resources:
            if code:
                raise TopicsError(f"{topic.name}: {for_code(code).__name__} {message or ''}")
    return Applied(topic, Change.UPDATED, differing)
