"""One group with one topic, in memory or on Apache Kafka: what the promises are played on."""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from faststream.kafka import KafkaBroker

from recado_lanes import (
    BaseObserver,
    Batch,
    CommitRejected,
    Committed,
    Handler,
    LaneOptions,
    Lanes,
    Partition,
    Restore,
)
from recado_lanes.faststream import attach
from recado_lanes.kafka import GroupOptions
from recado_lanes.metadata import UnreadableMetadata, decode
from recado_lanes.testing import FakeConsumer, FakeDeadLetters, FakeKafka

PARTITIONS = 2
OPTIONS = LaneOptions(
    service="contract",
    commit_interval=timedelta(milliseconds=20),
    drain_budget=timedelta(seconds=5),
    cancel_grace=timedelta(seconds=1),
    backoff_initial=timedelta(milliseconds=5),
    backoff_max=timedelta(milliseconds=10),
    probe_initial=timedelta(milliseconds=5),
    probe_max=timedelta(milliseconds=20),
)


class Member(Protocol):
    """One consumer of the group."""

    lanes: Lanes

    async def stop(self) -> None:
        """Leave in good order."""
        ...

    async def crash(self) -> None:
        """Be gone: nothing is drained, nothing committed."""
        ...


class World(Protocol):
    """What a promise is played on. Members that still run end with it."""

    topic: str
    dead_letters: FakeDeadLetters
    patience: float
    """Seconds that `until` waits."""

    async def write(self, value: bytes | None, *, key: bytes, partition: int = 0) -> None:
        """A record more."""
        ...

    async def member(
        self,
        handler: Handler | Batch,
        *,
        ceiling: int | None = None,
        restore: Restore | None = None,
        **options: object,
    ) -> Member:
        """A member more; options are of `LaneOptions`. Polls take few records at a time."""
        ...

    async def committed(self) -> Mapping[Partition, Committed]:
        """What the group has committed."""
        ...

    async def commit(self, partition: int, committed: Committed) -> None:
        """Commit in the place of a group that has no members."""
        ...


async def until(world: World, condition: Callable[[], bool]) -> None:
    """Wait until it holds. Raises `TimeoutError`."""
    async with asyncio.timeout(world.patience):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


async def claimed(world: World, partition: int = 0) -> set[int]:
    """The offsets beyond the committed one that are committed as done."""
    committed = (await world.committed()).get(Partition(world.topic, partition))
    with suppress(UnreadableMetadata):
        if committed is not None and committed.metadata:
            runs = decode(committed.metadata).runs
            return {offset for start, end in runs for offset in range(start, end)}
    return set()


def reject_commits(lanes: Lanes, times: int) -> None:
    """The group takes so many of the next commits no more, as in mid-rebalance."""
    port = lanes._committer._consumer
    commit, left = port.commit, times

    async def rejecting(
        offsets: Mapping[Partition, int], metadata: Mapping[Partition, str] | None = None
    ) -> None:
        nonlocal left
        if left > 0:
            left -= 1
            raise CommitRejected("told to")
        await commit(offsets, metadata)

    port.commit = rejecting  # type: ignore[method-assign]  # the port stays the real one


class FakeMember:
    """A member that polls by itself."""

    def __init__(self, world: "FakeWorld", consumer: FakeConsumer, lanes: Lanes) -> None:
        self.lanes = lanes
        self._world = world
        self._consumer = consumer
        self._run = asyncio.create_task(lanes.run())
        self._polling = asyncio.create_task(self._poll())

    async def join(self) -> None:
        await asyncio.sleep(0)
        await self._world.kafka.join(self._consumer)

    async def stop(self) -> None:
        await self.lanes.stop()
        await self._end()
        await self._world.kafka.leave(self._consumer)

    async def crash(self) -> None:
        if self._consumer in self._world.kafka.members:
            self._world.kafka.forget(self._consumer)
        await self._end()
        await self._world.kafka.rebalance()

    async def _end(self) -> None:
        for task in (self._polling, self._run):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

    async def _poll(self) -> None:
        while True:
            await self._consumer.poll(5)
            await asyncio.sleep(0.001)


class FakeWorld:
    """`recado_lanes.testing`."""

    def __init__(self) -> None:
        self.topic = "letters"
        self.kafka = FakeKafka({self.topic: PARTITIONS})
        self.dead_letters = FakeDeadLetters()
        self.patience = 10.0
        self.members: list[FakeMember] = []

    async def write(self, value: bytes | None, *, key: bytes, partition: int = 0) -> None:
        self.kafka.append(self.topic, value, key=key, partition=partition)

    async def member(
        self,
        handler: Handler | Batch,
        *,
        ceiling: int | None = None,
        restore: Restore | None = None,
        **options: object,
    ) -> Member:
        consumer = FakeConsumer(self.kafka)
        consumer.lanes = Lanes(
            handlers={self.topic: handler},
            consumer=consumer,
            ceilings={} if ceiling is None else {self.topic: ceiling},
            restore={} if restore is None else {self.topic: restore},
            dead_letters=self.dead_letters,
            options=replace(OPTIONS, **options),  # type: ignore[arg-type]  # any field of it
            observer=BaseObserver(),
        )
        member = FakeMember(self, consumer, consumer.lanes)
        self.members.append(member)
        await member.join()
        return member

    async def committed(self) -> Mapping[Partition, Committed]:
        kafka = self.kafka
        return {p: Committed(o, kafka.metadata.get(p, "")) for p, o in kafka.committed.items()}

    async def commit(self, partition: int, committed: Committed) -> None:
        place = Partition(self.topic, partition)
        self.kafka.committed[place] = committed.offset
        self.kafka.metadata[place] = committed.metadata

    async def close(self) -> None:
        for member in self.members:
            await member.crash()


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
