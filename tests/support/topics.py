"""Topics for one test each, so that tests share a broker and nothing else."""

import uuid
from collections.abc import Mapping
from typing import Protocol

from aiokafka.admin import AIOKafkaAdminClient, NewTopic


class TopicFactory(Protocol):
    async def __call__(
        self,
        name: str = "test",
        *,
        partitions: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> str:
        """Create a topic named `name` plus something unique; return its full name.

        `settings` are Kafka's topic settings, such as `cleanup.policy`.
        """
        ...


class Topics:
    """A TopicFactory on one broker that remembers what it made."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._made: list[str] = []

    async def __call__(
        self,
        name: str = "test",
        *,
        partitions: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> str:
        topic = f"{name}-{uuid.uuid4().hex[:12]}"
        await create_topic(self._bootstrap, topic, partitions=partitions, settings=settings)
        self._made.append(topic)
        return topic

    async def delete_all(self) -> None:
        if not self._made:
            return
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        try:
            await admin.delete_topics(self._made)
        finally:
            await admin.close()


async def create_topic(
    bootstrap: str,
    topic: str,
    *,
    partitions: int = 1,
    settings: Mapping[str, str] | None = None,
) -> None:
    """Create `topic` under exactly this name, on one replica. Raises aiokafka's errors."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        new = NewTopic(
            topic,
            num_partitions=partitions,
            replication_factor=1,
            topic_configs=dict(settings or {}),
        )
        response = await admin.create_topics([new])
        for _, code, *rest in response.topic_errors:
            if code != 0:
                raise RuntimeError(f"topic {topic} was not created: error {code} {rest}")
    finally:
        await admin.close()
