"""A Kafka in memory, and lanes on it with waits of milliseconds."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from recado_lanes import (
    BaseObserver,
    Batch,
    CommitRejected,
    DeadLetter,
    Fatal,
    Handler,
    LaneOptions,
    Lanes,
    Partition,
    Progress,
    Record,
    Restore,
    Skipped,
)
from recado_lanes.metadata import decode
from recado_lanes.testing import FakeConsumer, FakeDeadLetters, FakeKafka, poll_until

OPTIONS = LaneOptions(
    service="tests",
    commit_interval=timedelta(milliseconds=2),
    drain_budget=timedelta(seconds=5),
    cancel_grace=timedelta(milliseconds=500),
    backoff_initial=timedelta(milliseconds=1),
    backoff_max=timedelta(milliseconds=2),
    probe_initial=timedelta(milliseconds=1),
    probe_max=timedelta(milliseconds=2),
    outage_report_interval=timedelta(hours=1),
)

ZERO = Partition("letters", 0)


class Watcher(BaseObserver):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.skips: list[Skipped] = []
        self.letters: list[DeadLetter] = []
        self.rejected: list[Mapping[Partition, int]] = []
        self.failures: list[Fatal] = []
        self.progresses: list[Progress] = []
        self.metadata: list[tuple[Partition, int, str | None]] = []

    def skipped(self, record: Record, reason: Skipped) -> None:
        self.skips.append(reason)

    def retrying(self, record: Record, *, attempts: int, error: Exception, wait: timedelta) -> None:
        self.events.append("retrying")

    def dead_lettered(self, letter: DeadLetter) -> None:
        self.letters.append(letter)

    def unavailable(
        self, record: Record, *, error: Exception, lasts: timedelta, alone: bool
    ) -> None:
        self.events.append("unavailable alone" if alone else "unavailable")

    def available(self, record: Record, *, lasted: timedelta, alone: bool) -> None:
        self.events.append("available alone" if alone else "available")

    def paused(self, partition: Partition, *, waiting: int) -> None:
        self.events.append("paused")

    def resumed(self, partition: Partition, *, waiting: int) -> None:
        self.events.append("resumed")

    def commit_rejected(self, offsets: Mapping[Partition, int], error: CommitRejected) -> None:
        self.rejected.append(dict(offsets))

    def failed(self, error: Fatal) -> None:
        self.failures.append(error)

    def progress(self, progress: Progress) -> None:
        self.progresses.append(progress)

    def metadata_read(self, partition: Partition, *, done: int, ignored: str | None) -> None:
        self.metadata.append((partition, done, ignored))


class Gate:
    """A handler that waits at each record until it is let through."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.cancelled: list[int] = []
        self.open = asyncio.Event()

    async def __call__(self, record: Record) -> None:
        self.begun.append(record.offset)
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled.append(record.offset)
            raise
        self.ended.append(record.offset)


class Bench:
    """One group on one fake Kafka; `add` makes a member whose lanes run."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.kafka = FakeKafka({"letters": 2})
        self.dead_letters = FakeDeadLetters()
        self.watcher = Watcher()
        self.runs: dict[FakeConsumer, asyncio.Task[None]] = {}

    async def add(
        self,
        handler: Handler | Batch,
        *,
        restore: Restore | None = None,
        join: bool = True,
        **changes: object,
    ) -> FakeConsumer:
        """A running member; `changes` are of `LaneOptions`."""
        consumer = FakeConsumer(self.kafka)
        consumer.lanes = Lanes(
            handlers=dict.fromkeys(self.kafka.topics, handler),
            consumer=consumer,
            dead_letters=self.dead_letters,
            options=replace(OPTIONS, **changes),  # type: ignore[arg-type]  # any field of it
            restore={} if restore is None else dict.fromkeys(self.kafka.topics, restore),
            observer=self.watcher,
        )
        run = asyncio.create_task(consumer.lanes.run())
        self.runs[consumer] = run
        self._stack.push_async_callback(self._end, run)
        await asyncio.sleep(0)
        if join:
            await self.kafka.join(consumer)
        return consumer

    async def ended(self, consumer: FakeConsumer) -> None:
        """Wait until its lanes have ended; raise what ended them."""
        async with asyncio.timeout(10):
            await self.runs[consumer]

    async def crash(self, consumer: FakeConsumer) -> None:
        """The process is gone: no draining, no commit."""
        self.kafka.forget(consumer)
        await self._end(self.runs[consumer])

    async def _end(self, run: asyncio.Task[None]) -> None:
        run.cancel()
        await asyncio.wait({run})

    def done_in_metadata(self, partition: Partition) -> int:
        """How many offsets beyond the committed one are known to be done."""
        text = self.kafka.metadata.get(partition)
        return len(decode(text)) if text else 0

    async def settle(self, *consumers: FakeConsumer) -> None:
        """Poll until everything is handled and committed."""
        await poll_until(lambda: self.kafka.all_committed, *consumers)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        yield Bench(stack)
