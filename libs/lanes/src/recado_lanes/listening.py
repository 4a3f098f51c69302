"""How lanes hear of rebalances from aiokafka, which awaits these before the group goes on."""

import asyncio

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka.subscriber.usecase import BatchSubscriber

from recado_lanes.errors import ConsumerFailed
from recado_lanes.kafka import GroupOptions, commit_beginnings, is_expelled
from recado_lanes.lanes import Lanes
from recado_lanes.record import Partition


class LanesListener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Tells the lanes of rebalances. aiokafka swallows what it raises, so it raises nothing."""

    def __init__(self, group: GroupOptions) -> None:
        self._group = group
        self.lanes: Lanes | None = None
        self.subscriber: BatchSubscriber | None = None

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Drain and commit before the group goes on."""
        if self.lanes is None or self.subscriber is None:
            return
        with self.lanes.turning.handing_over():
            if self.subscriber.consumer is not None and is_expelled(self.subscriber.consumer):
                await self.lanes.on_lost(_partitions(revoked))
            else:
                await self.lanes.on_revoked(_partitions(revoked))

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Begin. Heartbeats start only when this returns, so it must be quick."""
        if self.lanes is None or self.subscriber is None:
            return
        partitions = _partitions(assigned)
        try:
            if self._group.auto_offset_reset == "none" and self._group.first_start == "beginning":
                async with asyncio.timeout(self._group.session_timeout.total_seconds() / 2):
                    await commit_beginnings(self.subscriber.consumer, partitions)
        except (KafkaError, TimeoutError) as error:
            failure = ConsumerFailed(f"no offset to begin with: {type(error).__name__}")
            failure.__cause__ = error
            self.lanes.fail(failure)
            return
        with self.lanes.turning.handing_over():
            await self.lanes.on_assigned(partitions)


def _partitions(partitions: set[TopicPartition]) -> list[Partition]:
    return [Partition(tp.topic, tp.partition) for tp in partitions]
