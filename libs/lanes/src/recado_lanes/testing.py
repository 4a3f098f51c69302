"""A Kafka in memory for tests: topics, partitions, offsets, one group, rebalances, crashes.

It does what lanes relies on and what hurts: a rebalance revokes everything from everybody
before it assigns anew (as aiokafka's eager protocol does), positions start at what is committed,
a commit of a former generation is rejected, and a crashed member commits nothing. It has no
clock and no tasks of its own: a test says when a member polls, and when the group rebalances.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from recado_lanes.dead_letter import DeadLetter
from recado_lanes.errors import CommitRejected, ConsumerFailed
from recado_lanes.lanes import Lanes
from recado_lanes.metadata import LIMIT as METADATA_LIMIT
from recado_lanes.ports import Committed
from recado_lanes.record import Partition, Record

EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


class FakeKafka:
    """Topics with their numbers of partitions, and one consumer group that reads all of them."""

    def __init__(self, topics: Mapping[str, int]) -> None:
        self.topics = dict(topics)
        self.logs: dict[Partition, list[Record]] = {
            Partition(topic, number): []
            for topic, count in topics.items()
            for number in range(count)
        }
        self.committed: dict[Partition, int] = {}
        self.metadata: dict[Partition, str] = {}
        self.commits: list[dict[Partition, int]] = []
        self.generation = 0
        self.members: list[FakeConsumer] = []

    def append(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int = 0,
        headers: Iterable[tuple[str, bytes]] = (),
        skip: int = 0,
    ) -> Record:
        """Write a record; `skip` leaves out offsets before it, as compaction does."""
        log = self.logs[Partition(topic, partition)]
        offset = (log[-1].offset + 1 if log else 0) + skip
        record = Record(
            topic=topic,
            partition=partition,
            offset=offset,
            key=key,
            value=value,
            headers=tuple(headers),
            timestamp=EPOCH + timedelta(seconds=offset),
        )
        log.append(record)
        return record

    def end(self, partition: Partition) -> int:
        """The offset that the next record gets."""
        log = self.logs[partition]
        return log[-1].offset + 1 if log else 0

    @property
    def all_committed(self) -> bool:
        """Whether every record of every partition is committed."""
        return all(self.committed.get(p, 0) == self.end(p) for p in self.logs)

    async def join(self, *members: "FakeConsumer") -> None:
        """Members come in; the group rebalances."""
        self.members.extend(members)
        await self.rebalance()

    async def leave(self, member: "FakeConsumer") -> None:
        """A member goes, after its lanes were stopped; the group rebalances."""
        self.forget(member)
        await self.rebalance()

    def forget(self, member: "FakeConsumer") -> None:
        """Strike a member that crashed, or was silent too long, off the group unasked."""
        self.members.remove(member)

    async def rebalance(self) -> None:
        """Revoke everything from every member, then assign by ranges in a new generation."""
        async with asyncio.TaskGroup() as revoking:
            for member in self.members:
                revoking.create_task(member.revoke())
        self.generation += 1
        shares: dict[FakeConsumer, list[Partition]] = {member: [] for member in self.members}
        for topic, count in self.topics.items():
            for number in range(count):
                if self.members:
                    owner = self.members[number * len(self.members) // count]
                    shares[owner].append(Partition(topic, number))
        for member, share in shares.items():
            await member.assign(share)


class FakeConsumer:
    """A member of the group, and the `ConsumerPort` of its lanes."""

    def __init__(self, kafka: FakeKafka) -> None:
        self.kafka = kafka
        self.lanes: Lanes | None = None
        self.generation = -1
        self.positions: dict[Partition, int] = {}
        self.paused: set[Partition] = set()
        self.reject_commits = 0
        """So many of the next commits are rejected, as in mid-rebalance."""
        self.commit_error: Exception | None = None
        """Raised by every commit, if set."""
        self.committed_error: Exception | None = None
        """Raised when committed offsets are asked for, if set."""

    @property
    def assignment(self) -> set[Partition]:
        """The partitions that this member believes to have."""
        return set(self.positions)

    async def commit(
        self, offsets: Mapping[Partition, int], metadata: Mapping[Partition, str] | None = None
    ) -> None:
        """See `ConsumerPort.commit`."""
        await asyncio.sleep(0)
        if self.commit_error is not None:
            raise self.commit_error
        if self.reject_commits > 0:
            self.reject_commits -= 1
            raise CommitRejected("told to")
        if self not in self.kafka.members or self.generation != self.kafka.generation:
            raise CommitRejected("former generation")
        if not self.assignment.issuperset(offsets):
            raise CommitRejected("not assigned")
        if any(len(text) > METADATA_LIMIT for text in (metadata or {}).values()):
            raise ConsumerFailed("more metadata than a broker takes")
        self.kafka.committed.update(offsets)
        self.kafka.metadata.update(dict.fromkeys(offsets, "") | dict(metadata or {}))
        self.kafka.commits.append(dict(offsets))

    async def committed(self, partitions: Collection[Partition]) -> Mapping[Partition, Committed]:
        """See `ConsumerPort.committed`."""
        await asyncio.sleep(0)
        if self.committed_error is not None:
            raise self.committed_error
        kafka = self.kafka
        return {
            p: Committed(kafka.committed[p], kafka.metadata.get(p, ""))
            for p in partitions
            if p in kafka.committed
        }

    def pause(self, partitions: Collection[Partition]) -> None:
        """See `ConsumerPort.pause`."""
        self.paused |= self.assignment.intersection(partitions)

    def resume(self, partitions: Collection[Partition]) -> None:
        """See `ConsumerPort.resume`."""
        self.paused.difference_update(partitions)

    def fetch(self, max_records: int = 500) -> list[Record]:
        """Take the next records of the partitions that are not paused, moving the positions."""
        records: list[Record] = []
        for partition, position in self.positions.items():
            if partition in self.paused:
                continue
            room = max_records - len(records)
            fresh = [r for r in self.kafka.logs[partition] if r.offset >= position][:room]
            if fresh:
                self.positions[partition] = fresh[-1].offset + 1
                records.extend(fresh)
        return records

    async def poll(self, max_records: int = 500) -> int:
        """Fetch and submit to the lanes; how many records there were."""
        records = self.fetch(max_records)
        if self.lanes is not None and records:
            await self.lanes.submit(records, epoch=self.lanes.epoch)
        return len(records)

    async def revoke(self) -> None:
        """Give everything back: fetch nothing more, let the lanes drain and commit."""
        revoked = list(self.positions)
        self.paused = set(revoked)
        if self.lanes is not None:
            await self.lanes.on_revoked(revoked)
        self.positions = {}
        self.paused = set()

    async def assign(self, partitions: Collection[Partition]) -> None:
        """Begin with these, at what is committed."""
        self.generation = self.kafka.generation
        self.positions = {p: self.kafka.committed.get(p, 0) for p in partitions}
        if self.lanes is not None:
            await self.lanes.on_assigned(partitions)


class FakeDeadLetters:
    """Keeps what is published; raises the errors in `errors` first, one a call."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.errors: list[Exception] = []

    async def publish(self, letter: DeadLetter) -> None:
        """See `DeadLetters.publish`."""
        if self.errors:
            raise self.errors.pop(0)
        self.letters.append(letter)


async def poll_until(
    condition: Callable[[], bool],
    *consumers: FakeConsumer,
    max_records: int = 500,
    timeout: timedelta = timedelta(seconds=10),
) -> None:
    """Let the consumers poll until the condition holds. Raises `TimeoutError`."""
    async with asyncio.timeout(timeout.total_seconds()):
        while not condition():
            for consumer in consumers:
                await consumer.poll(max_records)
            await asyncio.sleep(0.001)
