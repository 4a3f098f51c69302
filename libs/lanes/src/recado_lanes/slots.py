"""The limit on concurrent work, shared by all partitions: who is started, and what follows.

What it promises:

- No more keys than the limit are worked on, and each by one attempt at a time.
- The key with the longest backlog is started first, and none starves; no more of a topic than its
  ceiling (`recado_lanes.startable`).
- A key that waits (to try again, for its batch to settle, for an outage to end) holds no slot.
- While something is down, nothing is started but one probe at a time (`recado_lanes.probing`).
- An attempt that takes too long is cancelled; one that ignores that is reported, once.
- Nothing of a closed partition is started or tried again; what is in work may end by itself.

A slot is a task. That makes a handler that ignores its cancellation something to notice rather
than to wait for. After a success the task goes on with the next key at once, for a new task would
have to wait for a turn of the loop, and with hundreds at once all would start and end in step. It
does so only while it is as it was when it began: with no context variable changed, and not
cancelled. What fails ends its task.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from contextvars import Context, copy_context
from datetime import timedelta
from functools import partial
from typing import Final

from recado_lanes.batch import Batch
from recado_lanes.errors import ConsumerFailed, Fatal
from recado_lanes.handling import Handling, Judgement, Verdict
from recado_lanes.keylane import KeyLane, State
from recado_lanes.limit import Limit
from recado_lanes.options import LaneOptions
from recado_lanes.overdue import watch
from recado_lanes.partition import PartitionLanes
from recado_lanes.ports import DeadLetters, Observer, PartitionProgress, Progress
from recado_lanes.probing import Probing
from recado_lanes.record import Partition, Record
from recado_lanes.startable import Startable

QUICK: Final = 0.0002
"""Seconds: what takes less has probably not let the loop do anything else."""

QUICK_IN_A_ROW: Final = 8
"""So many of them, then the loop has its turn."""


class Slot:
    """A task and the lane that it works for at present."""

    __slots__ = ("lane",)

    def __init__(self, lane: KeyLane) -> None:
        self.lane: KeyLane | None = lane


class Slots:
    """Runs the lanes' work. Everything happens in the loop that `open` was called in."""

    def __init__(
        self,
        dead_letters: DeadLetters,
        options: LaneOptions,
        observer: Observer,
        *,
        failed: Callable[[Fatal], None],
        progressed: Callable[[PartitionLanes], None],
    ) -> None:
        self._options = options
        self._observer = observer
        self._failed = failed
        self._progressed = progressed
        self._limit = Limit(options.concurrency, options.adaptive)
        self._handling = Handling(dead_letters, options, observer, self._limit)
        self._startable = Startable()
        self._working: set[KeyLane] = set()
        self._probing = Probing(
            self._startable,
            options,
            self._handling.backoff,
            observer,
            start=self._start,
            wait=self._wait,
            over=self.fill,
        )
        self._outage = self._probing.outage
        self._closed = False
        self._loop: asyncio.AbstractEventLoop
        self._context: Context

    def progress(self, partitions: Mapping[Partition, PartitionProgress]) -> Progress:
        """What is worked on, with how far these partitions are."""
        return Progress(
            in_flight=len(self._working),
            limit=self._limit.now,
            unavailable=self._outage.lasts,
            alone=self._probing.alone,
            partitions=partitions,
        )

    def open(self) -> None:
        """Work in this loop from now on."""
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()

    def arrived(self, lane: KeyLane, record: Record) -> None:
        """A record more waits in a lane. Nothing is started before `fill`."""
        lane.waiting.append(record)
        state = lane.state
        if state is State.READY:
            self._startable.grew(lane)
        elif state is State.IDLE:
            if lane.settled():
                self._startable.add(lane)
            elif isinstance(lane.handler, Batch):
                lane.state = State.SETTLING
                settle = lane.handler.settle.total_seconds()
                lane.timer = self._loop.call_later(settle, self._come_back, lane)
        elif state is State.SETTLING and lane.settled():
            lane.stop_timer()
            self._startable.add(lane)

    def fill(self) -> None:
        """Start what there is room for."""
        if self._outage.lasts or self._closed:
            return
        while len(self._working) < self._limit.now:
            lane = self._startable.pop()
            if lane is None:
                return
            self._start(lane)

    def close(self, partitions: Iterable[PartitionLanes]) -> None:
        """Start nothing more of these, and wait for nothing in them."""
        for partition in partitions:
            partition.close()
            for lane in partition.keys.values():
                lane.stop_timer()
                self._startable.remove(lane)
                self._probing.forget(lane)

    def cut(self, partitions: Collection[PartitionLanes]) -> None:
        """Cancel what is in work in these, which are closed."""
        for lane in list(self._working):
            if lane.partition in partitions and lane.task is not None:
                lane.cut = True
                lane.task.cancel()

    def stuck(self, partitions: Collection[PartitionLanes]) -> list[KeyLane]:
        """The lanes of these that are in work."""
        return [lane for lane in self._working if lane.partition in partitions]

    def shut(self) -> list["asyncio.Task[None]"]:
        """Start nothing more at all, cancel everything; the tasks that are ending."""
        self._closed = True
        self._probing.close()
        partitions = {lane.partition for lane in self._working}
        self.close(partitions)
        self.cut(partitions)
        return [lane.task for lane in self._working if lane.task is not None]

    async def watch(self) -> None:
        """Cancel attempts that take too long, and report those that ignore it."""
        await watch(self._working, self._options, leave=self._leave, failed=self._failed)

    def _start(self, lane: KeyLane) -> None:
        self._take(lane)
        self._attempt(lane)

    def _take(self, lane: KeyLane) -> None:
        lane.take_work()
        lane.state = State.WORKING
        lane.partition.working += 1
        self._working.add(lane)
        self._startable.took(lane)

    def _attempt(self, lane: KeyLane) -> None:
        slot = Slot(lane)
        lane.task = self._loop.create_task(self._work(slot, lane), context=self._context.copy())
        lane.task.add_done_callback(partial(self._ended, slot))
        self._set_deadline(lane)  # for a loop that is too busy to begin

    def _set_deadline(self, lane: KeyLane) -> None:
        lane.began = self._loop.time()
        lane.deadline = lane.began + self._handling.seconds_left(lane)

    async def _work(self, slot: Slot, lane: KeyLane) -> None:
        """Attempt what the lane has in hand; go on with other lanes as long as all goes well."""
        task = asyncio.current_task()
        quick = 0
        while True:
            self._set_deadline(lane)
            await self._handling.attempt(lane)
            if lane.overdue or lane.cut:
                return  # the task's end tells the rest
            if self._loop.time() - lane.began < QUICK:
                quick += 1
            slot.lane = None
            self._settle(lane, None)
            if (
                quick >= QUICK_IN_A_ROW
                or self._full
                or task is None
                or task.cancelling()
                or copy_context() != self._context
            ):
                self.fill()
                return
            following = self._startable.pop()
            if following is None:
                return
            lane = following
            self._take(lane)
            lane.task = task
            slot.lane = lane

    @property
    def _full(self) -> bool:
        """Whether nothing can be started now."""
        return (
            self._outage.lasts
            or self._closed
            or not self._startable
            or len(self._working) >= self._limit.now
        )

    def _ended(self, slot: Slot, task: "asyncio.Task[None]") -> None:
        """A task has ended; if it still had something in hand, see what became of it."""
        lane = slot.lane
        try:
            if lane is None:
                task.result()
            elif lane in self._working:  # it is not, if it was stuck
                self._settle(lane, self._handling.outcome(lane, task))
                self.fill()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - would only be logged
            failure = ConsumerFailed(f"what follows an attempt failed: {type(error).__name__}")
            failure.__cause__ = error
            self._failed(failure)

    def _settle(self, lane: KeyLane, error: BaseException | None) -> None:
        """Do what an attempt's outcome asks for; the slot is free then."""
        lane.task = None
        try:
            judgement = self._handling.judge(lane, error, self._loop.time(), len(self._working))
        except Fatal as fatal:
            self._leave(lane)
            self._failed(fatal)
            return
        lane.overdue = False
        if judgement.verdict is Verdict.NOW and not lane.cut:
            self._probing.answered(lane)
            self._attempt(lane)
            return
        self._leave(lane)
        if judgement.verdict is Verdict.UNAVAILABLE and judgement.error is not None:
            self._probing.unavailable(lane, judgement.error)
        elif judgement.verdict is Verdict.DROPPED:
            self._probing.dropped(lane)
        else:
            self._probing.answered(lane)
            self._go_on(lane, judgement)
        self._progressed(lane.partition)

    def _leave(self, lane: KeyLane) -> None:
        self._working.discard(lane)
        self._startable.left(lane)
        lane.partition.left()

    def _go_on(self, lane: KeyLane, judgement: Judgement) -> None:
        partition = lane.partition
        if judgement.verdict is Verdict.AGAIN:
            self._wait(lane, judgement.wait)
            return
        if judgement.verdict is Verdict.DONE:
            for record in lane.work:
                partition.offsets.done(record.offset)
            lane.begin_anew()
            lane.alone = False
        if partition.closed:
            return
        if lane.waiting:
            self._startable.add(lane)
        else:
            lane.state = State.IDLE
            del partition.keys[lane.key]

    def _wait(self, lane: KeyLane, wait: timedelta) -> None:
        if lane.partition.closed:
            return
        lane.state = State.WAITING
        lane.timer = self._loop.call_later(wait.total_seconds(), self._come_back, lane)

    def _come_back(self, lane: KeyLane) -> None:
        lane.timer = None
        self._startable.add(lane)
        self.fill()
