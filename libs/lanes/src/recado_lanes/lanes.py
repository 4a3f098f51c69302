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
- An assignment is an epoch. What belongs to an old one (a late completion, a record that was
  polled before) is never committed nor handled in a new one.
- `submit` never waits for handling, so that the consumer goes on polling; a partition in which
  too much waits, or of which too much would have to be remembered, is paused.
- A revoked partition is drained within the budget, then cancelled, and committed, before
  `on_revoked` returns.
- A fatal error ends `run` with it, after draining and committing what was done.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self

from recado_lanes.batch import Batch
from recado_lanes.committing import Committer
from recado_lanes.errors import ConsumerFailed, Fatal, HandlerStuck, UnknownTopic
from recado_lanes.intake import Intake
from recado_lanes.observer import LoggingObserver
from recado_lanes.options import LaneOptions
from recado_lanes.partition import PartitionLanes
from recado_lanes.ports import (
    Committed,
    ConsumerPort,
    DeadLetters,
    Observer,
    Progress,
    ProgressObserver,
    Skipped,
)
from recado_lanes.record import Handler, KeyOf, Partition, Record, Restore, record_key
from recado_lanes.slots import Slots
from recado_lanes.startable import Ceiling
from recado_lanes.turning import Turning

AT_ONCE: Final = timedelta(0)


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
        unknown = {*(restore or {}), *(keys or {}), *(ceilings or {})} - set(handlers)
        if unknown:
            raise ValueError(f"hooks, keys or ceilings without a handler: {sorted(unknown)}")
        self._handlers = dict(handlers)
        self._restore = dict(restore or {})
        self._consumer = consumer
        self._options = options
        self._observer: Observer = LoggingObserver() if observer is None else observer
        self._keys = dict(keys or {})
        self._ceilings = {topic: Ceiling(limit) for topic, limit in (ceilings or {}).items()}
        self._slots = Slots(
            dead_letters,
            options,
            self._observer,
            failed=self.fail,
            progressed=self._progressed,
        )
        self._lanes: dict[Partition, PartitionLanes] = {}
        self._intake = Intake(consumer, options, self._observer)
        self._committer = Committer(consumer, options, self._observer, failed=self.fail)
        self._reading: set[asyncio.Task[None]] = set()
        self._epoch = 0
        self._revoked_in: dict[Partition, int] = {}
        self._handover = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._at_once = asyncio.Event()
        self._ended = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._runner: asyncio.Task[None] | None = None
        self._failure: Fatal | None = None
        self.turning = Turning()
        """For whoever polls to tell, and for whoever watches over the process to ask."""

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that have a handler."""
        return tuple(self._handlers)

    @property
    def options(self) -> LaneOptions:
        """What was set."""
        return self._options

    @property
    def epoch(self) -> int:
        """Grows with every revocation. Note it when you poll and give it to `submit`."""
        return self._epoch

    @property
    def assignment(self) -> frozenset[Partition]:
        """The partitions that are ours."""
        return frozenset(p for p, lane in self._lanes.items() if lane.assigned)

    def backlog(self, topic: str) -> Sequence[int]:
        """Per partition of ours: how many records are not done, the one in work included."""
        return [
            lane.waiting
            for partition, lane in self._lanes.items()
            if lane.assigned and partition.topic == topic
        ]

    @property
    def intake_paused(self) -> bool:
        """Whether any partition's intake is: poll often, to notice when it goes on."""
        return any(lanes.paused for lanes in self._lanes.values())

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
                    self._committer.run(self._assigned, self._look), name="lanes commit"
                )
                self._open(self._assigned())
                await self._stopping.wait()
                await self._give_back(list(self._lanes))
                for task in (watching, committing, *self._reading):
                    task.cancel()
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
        self._at_once.set()
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
        polled = self._epoch if epoch is None else epoch
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
        if polled < self._revoked_in.get(partition, 0):
            self._observer.skipped(record, Skipped.STALE)
            return None
        if partition.topic not in self._handlers:
            self.fail(UnknownTopic(record))
            return None
        return self._lanes.get(partition) or self._new(partition)

    async def on_assigned(self, partitions: Collection[Partition]) -> None:
        """These partitions are ours now. Records of them may have been submitted before."""
        async with self._handover:
            if self._stopping.is_set():
                return
            again = self.assignment.intersection(partitions)
            if again:
                # Its lane can't be told from a new one's, so nothing would be certain any more.
                self.fail(ConsumerFailed(f"assigned again without revocation: {sorted(again)}"))
                return
            ours = [p for p in partitions if p.topic in self._handlers]
            new = [self._lanes.get(partition) or self._new(partition) for partition in ours]
            for lanes in new:
                lanes.assigned = True
            self._intake.share(len(self._lanes))
            if self._tasks is not None:
                self._open(new)
            self._observer.assigned(partitions)

    async def on_revoked(self, partitions: Collection[Partition]) -> None:
        """These partitions are no longer ours: drain within the budget, commit, forget.

        An empty collection means none. When lanes are stopping already, this returns when that
        is done, so that nobody else gets a partition that is still worked on.
        """
        self._fence(partitions)
        async with self._handover:
            await self._hand_over(partitions)

    async def on_lost(self, partitions: Collection[Partition]) -> None:
        """The group gave these away without asking: cancel what is in work, commit nothing."""
        self._fence(partitions)
        async with self._handover:
            await self._hand_over(partitions, lost=True)

    def _fence(self, partitions: Collection[Partition]) -> None:
        """From here on, what was polled before is stale."""
        self._epoch += 1
        for partition in partitions:
            self._revoked_in[partition] = self._epoch

    async def _give_back(self, partitions: Collection[Partition]) -> None:
        async with self._handover:
            self._consumer.pause(list(partitions))
            await self._hand_over(partitions)

    async def _hand_over(self, partitions: Collection[Partition], *, lost: bool = False) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        # Out of the table first: the timer must not commit what is being drained, and records
        # of a later assignment must not find it.
        leaving = [lanes for p in partitions if (lanes := self._lanes.pop(p, None))]
        if not leaving:
            return
        self._intake.share(len(self._lanes))
        await self._drain(leaving, AT_ONCE if lost else self._options.drain_budget)
        if not lost:
            await self._committer.commit(leaving)
        self._observer.revoked(
            [lanes.partition for lanes in leaving],
            unfinished=sum(lanes.offsets.unfinished for lanes in leaving),
            took=timedelta(seconds=loop.time() - began),
        )

    async def _drain(self, leaving: Collection[PartitionLanes], budget: timedelta) -> None:
        """Begin nothing more in these; give what is in work that long to end, then cancel it.

        On return nothing is worked on, but for handlers that ignore their cancellation: then
        these lanes have failed.
        """
        self._slots.close(leaving)
        ending: asyncio.Future[object] = asyncio.ensure_future(_all_ended(leaving))
        hurried: asyncio.Future[object] = asyncio.ensure_future(self._at_once.wait())
        try:
            await asyncio.wait(
                {ending, hurried},
                timeout=budget.total_seconds(),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if ending.done():
                return
            self._slots.cut(leaving)
            for lanes in leaving:
                if lanes.opening is not None:
                    lanes.opening.cancel()
            # A restore's own cancellation waits for its hook's for the grace; a little more.
            grace = self._options.cancel_grace.total_seconds()
            await asyncio.wait({ending}, timeout=grace + (1 if self._restore else 0))
            for lane in self._slots.stuck(leaving):
                self.fail(HandlerStuck(lane.work[0]))
        finally:
            hurried.cancel()
            ending.cancel()
            with suppress(asyncio.CancelledError):
                await ending

    def _new(self, partition: Partition) -> PartitionLanes:
        lanes = self._lanes[partition] = PartitionLanes(
            partition,
            handler=self._handlers[partition.topic],
            key_of=self._keys.get(partition.topic, record_key),
            restore=self._restore.get(partition.topic),
            options=self._options,
            observer=self._observer,
            arrived=self._slots.arrived,
            ceiling=self._ceilings.get(partition.topic),
        )
        return lanes

    def _open(self, new: Sequence[PartitionLanes]) -> None:
        """Find out what is done already, then begin. Rebalancing does not wait for that."""
        if self._tasks is not None and new:
            task = self._tasks.create_task(self._read_and_open(new), name="lanes open")
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    async def _read_and_open(self, new: Sequence[PartitionLanes]) -> None:
        committed: Mapping[Partition, Committed] = {}
        try:
            async with asyncio.timeout(self._options.commit_timeout.total_seconds()):
                committed = await self._consumer.committed([lanes.partition for lanes in new])
        except Exception as error:  # noqa: BLE001 - without metadata more is repeated, that is all
            if isinstance(self._observer, ProgressObserver):
                reason = f"it could not be read: {type(error).__name__}"
                for lanes in new:
                    self._observer.metadata_read(lanes.partition, done=0, ignored=reason)
        for lanes in new:
            if self._tasks is not None and not lanes.closed:
                opening = self._begin(lanes, committed.get(lanes.partition))
                lanes.opening = self._tasks.create_task(opening, name=f"open {lanes.partition}")

    async def _begin(self, lanes: PartitionLanes, committed: Committed | None) -> None:
        try:
            await lanes.open(committed)
        except Fatal as error:
            self.fail(error)
        self._slots.fill()

    def _progressed(self, lanes: PartitionLanes) -> None:
        self._committer.done_one()
        if lanes.paused:
            self._intake.relieve(lanes)

    def _look(self, ours: Sequence[PartitionLanes]) -> None:
        """Once a commit interval: what goes on in these."""
        for lanes in ours:
            if lanes.paused and not lanes.closed:
                self._intake.recheck(lanes)
        if isinstance(self._observer, ProgressObserver):
            self._observer.progress(self.progress())

    def _assigned(self) -> list[PartitionLanes]:
        return [lanes for lanes in self._lanes.values() if lanes.assigned]

    def progress(self) -> Progress:
        """How far this consumer is."""
        now = datetime.now(UTC)
        return self._slots.progress(
            {
                partition: lanes.progress(now)
                for partition, lanes in self._lanes.items()
                if lanes.assigned
            }
        )


async def _all_ended(leaving: Collection[PartitionLanes]) -> None:
    for lanes in leaving:
        await lanes.ended()
