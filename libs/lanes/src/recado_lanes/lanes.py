"""The engine: takes records from a consumer, hands them to lanes, commits what is done.

What it promises:

- At least once. A record is committed only after its handler returned, or its dead letter was
  acknowledged, or it was skipped for a reason that is counted; and never past one of which that
  is not so.
- Order. The records of a partition, hence those of a key, are handled one at a time in the order
  of their offsets; a retry stays in its place. Partitions run side by side.
- An assignment is an epoch. What belongs to an old one (a late completion, a record that was
  polled before) is never committed nor handled in a new one.
- `submit` never waits for handling, so that the consumer goes on polling; a partition in which
  too much waits is paused.
- A revoked partition is drained within the budget, then cancelled, and committed, before
  `on_revoked` returns.
- A fatal error ends `run` with it, after draining and committing what was done.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

from recado_lanes.errors import CommitRejected, ConsumerFailed, Fatal, UnknownTopic
from recado_lanes.handling import Handling
from recado_lanes.observer import LoggingObserver
from recado_lanes.options import LaneOptions
from recado_lanes.partition import PartitionLane, drain
from recado_lanes.ports import ConsumerPort, DeadLetters, Observer, Skipped
from recado_lanes.record import Handler, Partition, Record, Restore
from recado_lanes.turning import Turning


class Lanes:
    """One consumer's work. `handlers` and `restore` are by topic.

    Run it once, either by `await lanes.run()` in a task of yours or as a context manager. Start
    it before the consumer and stop it before the consumer: `stop` returns when all is drained
    and committed, and only then may the consumer leave its group.
    """

    def __init__(
        self,
        *,
        handlers: Mapping[str, Handler],
        consumer: ConsumerPort,
        dead_letters: DeadLetters,
        options: LaneOptions,
        restore: Mapping[str, Restore] | None = None,
        observer: Observer | None = None,
    ) -> None:
        unknown = set(restore or {}) - set(handlers)
        if unknown:
            raise ValueError(f"restore hooks for topics without a handler: {sorted(unknown)}")
        self._handlers = dict(handlers)
        self._restore = dict(restore or {})
        self._consumer = consumer
        self._options = options
        self._observer: Observer = LoggingObserver() if observer is None else observer
        self._handling = Handling(dead_letters, options, self._observer)
        self._lanes: dict[Partition, PartitionLane] = {}
        self._epoch = 0
        self._revoked_in: dict[Partition, int] = {}
        self._handover = asyncio.Lock()
        self._commit_lock = asyncio.Lock()
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
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                for lane in self._lanes.values():
                    if lane.assigned:
                        self._start(lane)
                committer = tasks.create_task(self._commit_on_timer())
                await self._stopping.wait()
                await self._give_back(self._lanes)
                committer.cancel()
        finally:
            self._stopping.set()
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
        for record in records:
            if self._stopping.is_set():
                return
            partition = record.source
            if polled < self._revoked_in.get(partition, 0):
                self._observer.skipped(record, Skipped.STALE)
                continue
            try:
                lane = self._lane(partition, record)
                lane.accept(record)
            except Fatal as error:
                self.fail(error)
                return
            if lane.waiting >= self._options.high_water and not lane.paused:
                lane.paused = True
                self._consumer.pause([partition])
                self._observer.paused(partition, waiting=lane.waiting)

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
            for partition in partitions:
                if partition.topic not in self._handlers:
                    continue
                lane = self._lanes.get(partition) or self._new_lane(partition)
                lane.assigned = True
                if self._tasks is not None:
                    self._start(lane)
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
        # Out of the table first: the timer must not commit a lane that is being drained, and
        # records of a later assignment must not find it.
        lanes = [lane for p in list(partitions) if (lane := self._lanes.pop(p, None))]
        if not lanes:
            return
        options = self._options
        budget = timedelta(0) if lost else options.drain_budget
        await drain(lanes, budget=budget, grace=options.cancel_grace)
        if not lost:
            await self._commit(lanes)
        self._observer.revoked(
            [lane.partition for lane in lanes],
            unfinished=sum(lane.offsets.unfinished for lane in lanes),
            took=timedelta(seconds=loop.time() - began),
        )

    def _lane(self, partition: Partition, record: Record) -> PartitionLane:
        if partition.topic not in self._handlers:
            raise UnknownTopic(record)
        return self._lanes.get(partition) or self._new_lane(partition)

    def _new_lane(self, partition: Partition) -> PartitionLane:
        lane = PartitionLane(
            partition,
            handler=self._handlers[partition.topic],
            restore=self._restore.get(partition.topic),
            handling=self._handling,
            options=self._options,
            observer=self._observer,
            progressed=self._progressed,
        )
        self._lanes[partition] = lane
        return lane

    def _start(self, lane: PartitionLane) -> None:
        if self._tasks is not None and lane.task is None:
            lane.task = self._tasks.create_task(self._run(lane), name=f"lane {lane.partition}")

    async def _run(self, lane: PartitionLane) -> None:
        try:
            await lane.run()
        except Fatal as error:
            self.fail(error)

    def _progressed(self, lane: PartitionLane) -> None:
        if lane.paused and not lane.closed and lane.waiting <= self._options.low_water:
            lane.paused = False
            self._consumer.resume([lane.partition])
            self._observer.resumed(lane.partition, waiting=lane.waiting)

    async def _commit_on_timer(self) -> None:
        interval = self._options.commit_interval.total_seconds()
        while True:
            await asyncio.sleep(interval)
            await self._commit([lane for lane in self._lanes.values() if lane.assigned])

    async def _commit(self, lanes: Sequence[PartitionLane]) -> None:
        """Commit what is done in these lanes, once; what is rejected stays to be committed."""
        async with self._commit_lock:
            offsets: dict[Partition, int] = {}
            for lane in lanes:
                offset = lane.offsets.to_commit()
                if offset is not None:
                    offsets[lane.partition] = offset
            if not offsets:
                return
            try:
                async with asyncio.timeout(self._options.commit_timeout.total_seconds()):
                    await self._consumer.commit(offsets)
            except CommitRejected as error:
                self._observer.commit_rejected(offsets, error)
            except TimeoutError:
                self._observer.commit_rejected(offsets, CommitRejected("no answer in time"))
            except Fatal as error:
                self.fail(error)
            except Exception as error:  # noqa: BLE001 - `run` raises it
                failure = ConsumerFailed(f"commit failed: {type(error).__name__}")
                failure.__cause__ = error
                self.fail(failure)
            else:
                for lane in lanes:
                    if lane.partition in offsets:
                        lane.offsets.committed(offsets[lane.partition])
                self._observer.committed(offsets)
