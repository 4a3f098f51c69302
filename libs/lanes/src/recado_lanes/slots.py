"""The limit on concurrent work, shared by all partitions: who is started, and what follows.

What it promises:

- No more keys than the limit are worked on, and each by one attempt at a time.
- The key with the longest backlog is started first, and none starves; no more of a topic than its
  ceiling (`recado_lanes.startable`). A probe is started whatever the ceiling.
- A key that waits (to try again, for its batch to settle, for an outage to end) holds no slot.
- `Unavailable` begins an outage: nothing is started but one probe at a time. Every second probe
  is a record that did not fail, so that one record which always finds its dependency down can't
  hold up the others for ever; once others succeed where it failed, it waits alone.
- An attempt that takes too long is cancelled; one that ignores that is reported, once.
- Nothing of a closed partition is started or tried again; what is in work may end by itself.

A slot is a task. That makes a handler that ignores its cancellation something to notice rather
than to wait for. After a success the task goes on with the next key at once, for a new task would
have to wait for a turn of the loop, and with hundreds at once all would start and end in step. It
does so only while it is as it was when it began: with no context variable changed, and not
cancelled. What fails ends its task.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable
from contextvars import Context, copy_context
from datetime import timedelta
from functools import partial
from typing import Final

from recado_lanes.batch import Batch
from recado_lanes.errors import ConsumerFailed, Fatal, HandlerStuck, Unavailable
from recado_lanes.handling import Handling, Judgement, Verdict
from recado_lanes.keylane import KeyLane, State
from recado_lanes.limit import Limit
from recado_lanes.options import LaneOptions
from recado_lanes.outage import Outage
from recado_lanes.partition import PartitionLanes
from recado_lanes.ports import DeadLetters, Observer
from recado_lanes.record import Record
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
        self._outage = Outage(options, self._handling.backoff, observer)
        self._suspended: deque[KeyLane] = deque()
        self._probe: KeyLane | None = None
        self._probes = 0
        self._probe_timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._loop: asyncio.AbstractEventLoop
        self._context: Context

    @property
    def in_flight(self) -> int:
        """How many keys are worked on."""
        return len(self._working)

    @property
    def limit(self) -> int:
        """How many may be."""
        return self._limit.now

    @property
    def unavailable(self) -> bool:
        """Whether nothing is begun because something is down."""
        return self._outage.lasts

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
                self._ready(lane)
            elif isinstance(lane.handler, Batch):
                lane.state = State.SETTLING
                settle = lane.handler.settle.total_seconds()
                lane.timer = self._loop.call_later(settle, self._come_back, lane)
        elif state is State.SETTLING and lane.settled():
            lane.stop_timer()
            self._ready(lane)

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
        if self._probe_timer is not None:
            self._probe_timer.cancel()
        partitions = {lane.partition for lane in self._working}
        self.close(partitions)
        self.cut(partitions)
        return [lane.task for lane in self._working if lane.task is not None]

    async def watch(self) -> None:
        """Cancel attempts that take too long, and report those that ignore it. Never returns."""
        grace = self._options.cancel_grace.total_seconds()
        shortest = min(self._options.record_timeout.total_seconds(), grace)
        tick = min(max(shortest / 10, 0.005), 1.0)
        while True:
            await asyncio.sleep(tick)
            now = self._loop.time()
            for lane in list(self._working):
                if now < lane.deadline or lane.cut or lane.task is None:
                    continue
                if lane.overdue:
                    self._leave(lane)  # draining must not wait for it
                    self._failed(HandlerStuck(lane.work[0]))
                    return
                lane.overdue = True
                lane.deadline = now + grace
                lane.task.cancel()

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
            self._answered(lane)
            self._attempt(lane)
            return
        self._leave(lane)
        if judgement.verdict is Verdict.UNAVAILABLE and judgement.error is not None:
            self._unavailable(lane, judgement.error)
        elif judgement.verdict is Verdict.DROPPED:
            if lane is self._probe:
                self._probe_again(timedelta(0))
        else:
            self._answered(lane)
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
            self._ready(lane)
        else:
            lane.state = State.IDLE
            del partition.keys[lane.key]

    def _ready(self, lane: KeyLane) -> None:
        lane.state = State.READY
        self._startable.add(lane)

    def _wait(self, lane: KeyLane, wait: timedelta) -> None:
        if lane.partition.closed:
            return
        lane.state = State.WAITING
        lane.timer = self._loop.call_later(wait.total_seconds(), self._come_back, lane)

    def _come_back(self, lane: KeyLane) -> None:
        lane.timer = None
        self._ready(lane)
        self.fill()

    def _unavailable(self, lane: KeyLane, error: Exception) -> None:
        """Suspend a lane, or let it wait alone; see to the next probe."""
        record = lane.work[0]
        alone = lane.letters or lane.alone or (isinstance(error, Unavailable) and error.only_key)
        if alone:
            if lane is self._probe:  # that says nothing about what the others wait for
                self._probe_again(self._outage.failed(record, error))
            if lane.outage is None:
                lane.outage = Outage(self._options, self._handling.backoff, self._observer)
            self._wait(lane, lane.outage.failed(record, error))
            return
        if not lane.partition.closed:
            lane.state = State.SUSPENDED
            self._suspended.append(lane)
        if lane is self._probe:
            lane.probes += 1
        elif self._outage.lasts:
            return
        self._probe_again(self._outage.failed(record, error))

    def _answered(self, lane: KeyLane) -> None:
        """What the lane needs is there, whatever it said."""
        if lane.outage is not None:
            lane.outage.over()
            lane.outage = None
        if lane is self._probe:
            self._over(lane)

    def _probe_again(self, wait: timedelta) -> None:
        self._probe = None
        if not self._closed:
            self._probe_timer = self._loop.call_later(wait.total_seconds(), self._probe_one)

    def _probe_one(self) -> None:
        self._probe_timer = None
        self._probes += 1
        while self._suspended and self._suspended[0].partition.closed:
            self._suspended.popleft()
        others_turn = self._probes % 2 == 0
        lane = self._startable.pop() if others_turn or not self._suspended else None
        if lane is None:
            if not self._suspended:
                self._over(None)  # nothing here needs it any more
                return
            lane = self._suspended.popleft()
        self._probe = lane
        self._start(lane)

    def _over(self, proof: KeyLane | None) -> None:
        self._probe = None
        self._probes = 0
        self._outage.over()
        suspended, self._suspended = self._suspended, deque()
        for lane in suspended:
            if lane.partition.closed or lane is proof:
                continue
            lane.alone = proof is not None and lane.probes > 0
            lane.probes = 0
            self._ready(lane)
        self.fill()
