"""The world in memory: `recado_lanes.testing`."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from recado_lanes import BaseObserver, Batch, Committed, Handler, Lanes, Partition, Restore
from recado_lanes.testing import FakeConsumer, FakeDeadLetters, FakeKafka

from .world import OPTIONS, PARTITIONS, Member


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
