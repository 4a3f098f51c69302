"""The world on Apache Kafka."""

import asyncio
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from faststream.kafka import KafkaBroker

from recado_lanes import BaseObserver, Batch, Committed, Handler, Lanes, Partition, Restore
from recado_lanes.faststream import attach
from recado_lanes.kafka import GroupOptions
from recado_lanes.testing import FakeDeadLetters

from .world import OPTIONS, Member


class KafkaMember:
    """A member as `recado_lanes.faststream.attach` makes it."""

    def __init__(self, broker: KafkaBroker, lanes: Lanes) -> None:
        self.lanes = lanes
        self._broker = broker
        self._run = asyncio.create_task(lanes.run())

    async def join(self, patience: float) -> None:
        await self._broker.start()
        async with asyncio.timeout(patience):
            while not self.lanes.assignment:  # noqa: ASYNC110 - the group tells nobody else
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        await self.lanes.stop()
        await self.crash()

    async def crash(self) -> None:
        """The group hears at once that it is gone; it would take the session time-out else."""
        self._run.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._run
        await self._broker.stop()


class KafkaWorld:
    """Apache Kafka, with a topic and a group of its own."""

    def __init__(self, bootstrap: str, topic: str, producer: AIOKafkaProducer) -> None:
        self.topic = topic
        self.dead_letters = FakeDeadLetters()
        self.patience = 30.0
        self.members: list[KafkaMember] = []
        self._bootstrap = bootstrap
        self._producer = producer
        self._group = f"group-{uuid.uuid4().hex[:12]}"

    async def write(self, value: bytes | None, *, key: bytes, partition: int = 0) -> None:
        await self._producer.send_and_wait(self.topic, value, key=key, partition=partition)

    async def member(
        self,
        handler: Handler | Batch,
        *,
        ceiling: int | None = None,
        restore: Restore | None = None,
        **options: object,
    ) -> Member:
        broker = KafkaBroker(self._bootstrap, allow_auto_create_topics=False, logger=None)
        lanes = attach(
            broker,
            handlers={self.topic: handler},
            ceilings={} if ceiling is None else {self.topic: ceiling},
            restore={} if restore is None else {self.topic: restore},
            dead_letters=self.dead_letters,
            group=GroupOptions(
                group_id=self._group,
                session_timeout=timedelta(seconds=6),
                rebalance_timeout=timedelta(seconds=15),
                heartbeat_interval=timedelta(milliseconds=100),
                max_records=5,
            ),
            options=replace(OPTIONS, **options),  # type: ignore[arg-type]  # any field of it
            observer=BaseObserver(),
        )
        member = KafkaMember(broker, lanes)
        self.members.append(member)
        await member.join(self.patience)
        return member

    async def committed(self) -> Mapping[Partition, Committed]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        try:
            found = await admin.list_consumer_group_offsets(self._group)
        finally:
            await admin.close()
        return {
            Partition(tp.topic, tp.partition): Committed(meta.offset, meta.metadata)
            for tp, meta in found.items()
            if meta.offset >= 0
        }

    async def commit(self, partition: int, committed: Committed) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, group_id=self._group, enable_auto_commit=False
        )
        place = TopicPartition(self.topic, partition)
        consumer.assign([place])
        await consumer.start()
        try:
            await consumer.commit({place: (committed.offset, committed.metadata)})
        finally:
            await consumer.stop()

    async def close(self) -> None:
        for member in self.members:
            await member.crash()
