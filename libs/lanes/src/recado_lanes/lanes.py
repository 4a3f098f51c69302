"""The engine: takes records from a consumer, hands them to lanes, commits what is done.

What it promises:

- At least once. A record is committed only after its handler returned, or its dead letter was
  acknowledged, or it was skipped for a reason that is counted; and never past one of which that
  is not so. What is done beyond the first gap is committed as metadata and skipped by whoever
  reads on from there: after a crash only what was in flight, or was done since the last commit,
  is handled again.
- Order. The records of a key of a partition are handled one at a time in the order of their
  offsets; a retry stays in its place. Different keys are handled at once, up to the limit, that
  with the longest backlog first. Records without a key are one key of their partition.
- `submit` never waits for handling, so that the consumer goes on polling; a partition in which
  too much waits, or of which too much would have to be remembered, is paused.
- A revoked partition is drained, then cancelled, and committed, before `on_revoked` returns; what
  belongs to an old assignment never reaches a new one (`recado_lanes.handover`).
- A fatal error ends `run` with it, after draining and committing what was done.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Self

from recado_lanes.batch import Batch
from recado_lanes.committing import Committer
from recado_lanes.errors import ConsumerFailed, Fatal, UnknownTopic
from recado_lanes.handover import HandOver
from recado_lanes.intake import Intake
from recado_lanes.observer import LoggingObserver
from recado_lanes.opening import Opening
from recado_lanes.options import LaneOptions
from recado_lanes.partition import PartitionLanes
from recado_lanes.ports import (
    ConsumerPort,
    DeadLetters,
    Observer,
    Progress,
    ProgressObserver,
    Skipped,
)
from recado_lanes.record import Handler, KeyOf, Partition, Record, Restore
from recado_lanes.slots import Slots
from recado_lanes.table import Table
from recado_lanes.turning import Turning


class Lanes:
    """One consumer's work. `handlers`, `restore`, `keys` and `ceilings` are by topic.

    `keys` says which records must be in order; where it says nothing, the record's key does.
    `ceilings` says how many keys of a topic may be worked on at once, so that handlers of one that
    hang leave room for the others.

    Run it once, either by `await lanes.run()` in a task of yours or as a context manager. Start
    it before the consumer and stop it before the consumer: `stop` returns when all is drained
    and committed, and only then may the consumer leave its group.
    """

    def __init__(
        self,
        *,
        handlers: Mapping[str, Handler | Batch],
        consumer: ConsumerPort,
        dead_letters: DeadLetters,
        options: LaneOptions,
        restore: Mapping[str, Restore] | None = None,
        keys: Mapping[str, KeyOf] | None = None,
        ceilings: Mapping[str, int] | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._options = options
        self._observer: Observer = LoggingObserver() if observer is None else observer
        self._slots = Slots(
            dead_letters, options, self._observer, failed=self.fail, progressed=self._progressed
        )
        self._table = Table(
            handlers,
            restore=restore or {},
            keys=keys or {},
            ceilings=ceilings or {},
            options=options,
            observer=self._observer,
            arrived=self._slots.arrived,
        )
        self._intake = Intake(consumer, options, self._observer)
        self._committer = Committer(consumer, options, self._observer, failed=self.fail)
        self._opening = Opening(
            consumer, options, self._observer, opened=self._slots.fill, failed=self.fail
        )
        self._handover = HandOver(
            self._table,
            self._slots,
            self._intake,
            self._committer,
            consumer,
            options,
            self._observer,
            failed=self.fail,
        )
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._runner: asyncio.Task[None] | None = None
        self._failure: Fatal | None = None
        self.turning = Turning()
        """For whoever polls to tell, and for whoever watches over the process to ask."""

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that have a handler."""
        return self._table.topics

    @property
    def options(self) -> LaneOptions:
        """What was set."""
        return self._options

    @property
    def epoch(self) -> int:
        """Grows with every revocation. Note it when you poll and give it to `submit`."""
        return self._handover.epoch

    @property
    def assignment(self) -> frozenset[Partition]:
        """The partitions that are ours."""
        return frozenset(lanes.partition for lanes in self._table.assigned())

    def backlog(self, topic: str) -> Sequence[int]:
        """Per partition of ours: how many records are not done, the one in work included."""
        ours = self._table.assigned()
        return [lanes.waiting for lanes in ours if lanes.partition.topic == topic]

    @property
    def intake_paused(self) -> bool:
        """Whether any partition's intake is: poll often, to notice when it goes on."""
        return any(lanes.paused for lanes in self._table)

    @property
    def failure(self) -> Fatal | None:
        """The error that stopped, or is about to stop, `run`."""
        return self._failure

    async def run(self) -> None:
        """Work until `stop`, or until a fatal error, which it raises.

        On return the lanes are drained and committed. Cancelling it drops all work at once;
        nothing is lost, for it was not committed.
        """
        if self._tasks is not None or self._ended.is_set():
            raise RuntimeError("lanes run once")
        self._slots.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                watching = tasks.create_task(self._slots.watch(), name="lanes watch")
                committing = tasks.create_task(
                    self._committer.run(self._table.assigned, self._look), name="lanes commit"
                )
                self._opening.begin(tasks, self._table.assigned())
                await self._stopping.wait()
                await self._handover.give_back()
                for task in (watching, committing):
                    task.cancel()
                self._opening.cancel()
        finally:
            self._stopping.set()
            if left := self._slots.shut():
                await asyncio.wait(left, timeout=self._options.cancel_grace.total_seconds())
            self._ended.set()
        if self._failure is not None:
            raise self._failure

    async def stop(self) -> None:
        """Take no more records, drain within the budget, commit. Never raises `Fatal`.

        Returns when `run` is about to; at once if it was never started.
        """
        self._stopping.set()
        if self._tasks is not None:
            await self._ended.wait()

    def hurry(self) -> None:
        """Wait for nothing more: cancel what is in work, commit what is done, and end."""
        self._handover.hurry()
        self._stopping.set()

    async def wait(self) -> None:
        """Return when the lanes have ended; raise the fatal error if there was one."""
        await self._ended.wait()
        if self._failure is not None:
            raise self._failure

    async def __aenter__(self) -> Self:
        self._runner = asyncio.create_task(self.run(), name="lanes")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        if self._runner is not None:
            await self._runner

    def fail(self, error: Fatal) -> None:
        """Stop because of this error; the first one is the one that `run` raises."""
        if self._failure is None:
            self._failure = error
            self._observer.failed(error)
        self._stopping.set()

    async def submit(self, records: Sequence[Record], *, epoch: int | None = None) -> None:
        """Put records into their lanes and return; it never waits for handling.

        The records of a partition come in offset order. `epoch` is that of the moment when they
        were polled (none: now): what was polled before its partition was revoked is dropped,
        for it is read again by whoever has the partition. So are all records once the lanes
        stop: they are not committed.
        """
        polled = self._handover.epoch if epoch is None else epoch
        lanes: PartitionLanes | None = None
        touched: set[PartitionLanes] = set()
        for record in records:
            if self._stopping.is_set():
                return
            if (
                lanes is None
                or lanes.partition.number != record.partition
                or lanes.partition.topic != record.topic
            ):
                lanes = self._lanes_of(record, polled)
                if lanes is None:
                    continue
                touched.add(lanes)
            try:
                lanes.accept(record)
            except Fatal as error:
                self.fail(error)
                return
        for lanes in touched:
            self._intake.check(lanes)
        self._slots.fill()

    def _lanes_of(self, record: Record, polled: int) -> PartitionLanes | None:
        """Where the record belongs; None if nowhere, which is told."""
        partition = record.source
        if self._handover.is_stale(partition, polled):
            self._observer.skipped(record, Skipped.STALE)
            return None
        if not self._table.handles(partition.topic):
            self.fail(UnknownTopic(record))
            return None
        return self._table.lanes_of(partition)

    async def on_assigned(self, partitions: Collection[Partition]) -> None:
        """These partitions are ours now. Records of them may have been submitted before."""
        async with self._handover.lock:
            if self._stopping.is_set():
                return
            again = self.assignment.intersection(partitions)
            if again:
                # Its lane can't be told from a new one's, so nothing would be certain any more.
                self.fail(ConsumerFailed(f"assigned again without revocation: {sorted(again)}"))
                return
            new = self._table.assign(partitions)
            self._intake.share(len(self._table))
            if self._tasks is not None:
                self._opening.begin(self._tasks, new)
            self._observer.assigned(partitions)

    async def on_revoked(self, partitions: Collection[Partition]) -> None:
        """These partitions are no longer ours: drain within the budget, commit, forget.

        An empty collection means none. When lanes are stopping already, this returns when that
        is done, so that nobody else gets a partition that is still worked on.
        """
        await self._handover.revoke(partitions)

    async def on_lost(self, partitions: Collection[Partition]) -> None:
        """The group gave these away without asking: cancel what is in work, commit nothing."""
        await self._handover.revoke(partitions, lost=True)

    def _progressed(self, lanes: PartitionLanes) -> None:
        self._committer.done_one()
        if lanes.paused:
            self._intake.relieve(lanes)

    def _look(self, ours: Sequence[PartitionLanes]) -> None:
        """Once a commit interval: what goes on in these."""
        for lanes in ours:
            self._intake.recheck(lanes)
        if isinstance(self._observer, ProgressObserver):
            self._observer.progress(self.progress())

    def progress(self) -> Progress:
        """How far this consumer is."""
        return self._slots.progress(self._table.progress())
