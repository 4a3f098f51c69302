"""Members of a group on the real Kafka, and what its topics and offsets say."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from faststream.kafka import KafkaBroker

from recado.devstack.stack.kafka import RealKafka
from recado_lanes import BaseObserver, CommitRejected, Handler, LaneOptions, Lanes, Partition
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions, KafkaDeadLetters, to_record
from recado_lanes.record import Record
from support.topics import TopicFactory

# Kafka's broker refuses session time-outs below 6 s by default.
SESSION = timedelta(seconds=6)
REBALANCE = timedelta(seconds=15)
PATIENCE = 60.0
PARTITIONS = 6


@dataclass
class Member:
    """One running consumer, as a service runs it."""

    lanes: Lanes
    broker: KafkaBroker
    until: asyncio.Event
    task: asyncio.Task[None]

    async def stop(self) -> None:
        """Gracefully; raises what stopped it before."""
        self.until.set()
        await self.task


class Commits(BaseObserver):
    """Keeps what was committed and what was not taken."""

    def __init__(self) -> None:
        self.committed_offsets: list[Mapping[Partition, int]] = []
        self.rejections: list[CommitRejected] = []

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        self.committed_offsets.append(dict(offsets))

    def commit_rejected(self, offsets: Mapping[Partition, int], error: CommitRejected) -> None:
        self.rejections.append(error)


class Ledger:
    """A handler that notes, per key, the numbers of the records in the order of handling."""

    def __init__(self, pace: float = 0.0) -> None:
        self.pace = pace
        self.runs: dict[bytes, list[int]] = defaultdict(list)
        self.working: set[bytes] = set()
        self.overlaps: list[bytes] = []

    async def __call__(self, record: Record) -> None:
        assert record.key is not None
        assert record.value is not None
        if record.key in self.working:
            self.overlaps.append(record.key)
        self.working.add(record.key)
        try:
            await asyncio.sleep(self.pace)
            self.runs[record.key].append(int(record.value))
        finally:
            self.working.discard(record.key)

    @property
    def count(self) -> int:
        return sum(map(len, self.runs.values()))

    @property
    def distinct(self) -> set[int]:
        return {n for run in self.runs.values() for n in run}


@dataclass
class Group:
    """One consumer group with a topic and its dead letters."""

    bootstrap: str
    topic: str
    dead_topic: str
    producer: AIOKafkaProducer
    stack: AsyncExitStack
    group_id: str = field(default_factory=lambda: f"group-{uuid.uuid4().hex[:12]}")

    async def member(
        self,
        handler: Handler,
        *,
        group: Mapping[str, object] | None = None,
        observer: BaseObserver | None = None,
        prepare: Callable[[KafkaBroker], None] | None = None,
        **options: object,
    ) -> Member:
        """Start a member; keywords are of `LaneOptions`, `group` is of `GroupOptions`."""
        broker = KafkaBroker(self.bootstrap, allow_auto_create_topics=False, logger=None)
        if prepare is not None:
            prepare(broker)
        settings: dict[str, object] = {
            "service": "tests",
            "commit_interval": timedelta(milliseconds=100),
            "drain_budget": timedelta(seconds=5),
            "cancel_grace": timedelta(seconds=1),
            "backoff_initial": timedelta(milliseconds=10),
        } | options
        membership: dict[str, object] = {
            "group_id": self.group_id,
            "session_timeout": SESSION,
            "rebalance_timeout": REBALANCE,
            "heartbeat_interval": timedelta(milliseconds=300),
        } | dict(group or {})
        lanes = attach(
            broker,
            handlers={self.topic: handler},
            dead_letters=KafkaDeadLetters(self.producer.send_and_wait, self.dead_topic),
            group=GroupOptions(**membership),  # type: ignore[arg-type]  # any fields of it
            options=LaneOptions(**settings),  # type: ignore[arg-type]  # any fields of it
            observer=observer or BaseObserver(),
        )
        until = asyncio.Event()
        member = Member(lanes, broker, until, asyncio.create_task(serve(broker, lanes, until)))
        self.stack.push_async_callback(self._end, member)
        return member

    async def _end(self, member: Member) -> None:
        member.until.set()
        await asyncio.wait({member.task})
        if not member.task.cancelled():
            member.task.exception()

    async def write(self, count: int, *, keys: int, start: int = 0) -> None:
        """Records numbered from `start`, spread over the keys in turn."""
        for n in range(start, start + count):
            await self.producer.send(self.topic, b"%d" % n, key=b"k%d" % (n % keys))
        await self.producer.flush()

    async def end_offsets(self) -> dict[TopicPartition, int]:
        """The end of each partition that has records."""
        reader = AIOKafkaConsumer(bootstrap_servers=self.bootstrap)
        await reader.start()
        try:
            every = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
            ends = await reader.end_offsets(every)
        finally:
            await reader.stop()
        return {tp: end for tp, end in ends.items() if end}

    async def committed(self) -> dict[TopicPartition, int]:
        """What the group has committed."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(self.group_id)
        finally:
            await admin.close()
        return {tp: meta.offset for tp, meta in offsets.items() if meta.offset > 0}

    async def dead_letters(self, count: int) -> list[Record]:
        """The first records of the dead-letter topic."""
        reader = AIOKafkaConsumer(
            self.dead_topic, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest"
        )
        await reader.start()
        try:
            async with asyncio.timeout(PATIENCE):
                return [to_record(await reader.getone()) for _ in range(count)]
        finally:
            await reader.stop()


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until it holds. Raises `TimeoutError`."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for is not only in this process
            await asyncio.sleep(0.02)


@pytest.fixture
async def group(kafka: RealKafka, topic_factory: TopicFactory) -> AsyncIterator[Group]:
    topic = await topic_factory("letters", partitions=PARTITIONS)
    dead = await topic_factory("dead-letters", partitions=1)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, acks="all", enable_idempotence=True
    )
    await producer.start()
    try:
        async with AsyncExitStack() as stack:
            yield Group(kafka.bootstrap, topic, dead, producer, stack)
    finally:
        await producer.stop()
