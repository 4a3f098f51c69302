"""While something is down: who waits for it, who probes, and who waits alone.

What it promises:

- `Unavailable` begins an outage of everything: nothing is started but one probe at a time. No
  ceiling holds it back and none is exceeded: it takes the place that its own last attempt left,
  for nothing else is begun, or it is one whose topic has room.
- Every second probe is a record that did not fail, so that one record which always finds its
  dependency down can't hold up the others for ever; once others succeed where it failed, it waits
  alone.
- A lane that waits alone is tried again by itself, holds no slot meanwhile, and stops no other;
  the observer is told which of the two it is.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from recado_lanes.errors import Unavailable
from recado_lanes.keylane import KeyLane, State
from recado_lanes.options import LaneOptions
from recado_lanes.outage import Outage
from recado_lanes.ports import Observer
from recado_lanes.retry import Backoff
from recado_lanes.startable import Startable


class Probing:
    """One instance serves all lanes of a consumer."""

    def __init__(
        self,
        startable: Startable,
        options: LaneOptions,
        backoff: Backoff,
        observer: Observer,
        *,
        start: Callable[[KeyLane], None],
        wait: Callable[[KeyLane, timedelta], None],
        over: Callable[[], None],
    ) -> None:
        self.outage = Outage(options, backoff, observer)
        """That of everything."""
        self._startable = startable
        self._options = options
        self._backoff = backoff
        self._observer = observer
        self._start = start
        self._wait = wait
        self._told_over = over
        self._suspended: deque[KeyLane] = deque()
        self._alone: set[KeyLane] = set()
        self._probe: KeyLane | None = None
        self._probes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def alone(self) -> int:
        """How many lanes wait alone, each for something that stops no other."""
        return len(self._alone)

    def close(self) -> None:
        """Probe no more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def forget(self, lane: KeyLane) -> None:
        """Its partition goes: whoever has it next says whether it waits."""
        self._alone.discard(lane)

    def unavailable(self, lane: KeyLane, error: Exception) -> None:
        """Suspend a lane, or let it wait alone; see to the next probe."""
        record = lane.work[0]
        alone = lane.letters or lane.alone or (isinstance(error, Unavailable) and error.only_key)
        if alone:
            if lane is self._probe:  # that says nothing about what the others wait for
                self._probe_again(self.outage.failed(record, error))
            self._wait_alone(lane, error)
            return
        if not lane.partition.closed:
            lane.state = State.SUSPENDED
            self._suspended.append(lane)
        if lane is self._probe:
            lane.probes += 1
        elif self.outage.lasts:
            return
        self._probe_again(self.outage.failed(record, error))

    def answered(self, lane: KeyLane) -> None:
        """What the lane needs is there, whatever it said."""
        if lane.outage is not None:
            lane.outage.over()
            lane.outage = None
            self._alone.discard(lane)
        if lane is self._probe:
            self._over(lane)

    def dropped(self, lane: KeyLane) -> None:
        """It was cancelled before it was answered."""
        if lane is self._probe:
            self._probe_again(timedelta(0))

    def _wait_alone(self, lane: KeyLane, error: Exception) -> None:
        if lane.outage is None:
            lane.outage = Outage(self._options, self._backoff, self._observer, alone=True)
        if not lane.partition.closed:
            self._alone.add(lane)
        self._wait(lane, lane.outage.failed(lane.work[0], error))

    def _probe_again(self, wait: timedelta) -> None:
        self._probe = None
        if not self._closed:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(wait.total_seconds(), self._probe_one)

    def _probe_one(self) -> None:
        self._timer = None
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
        self.outage.over()
        suspended, self._suspended = self._suspended, deque()
        for lane in suspended:
            if lane.partition.closed or lane is proof:
                continue
            lane.alone = proof is not None and lane.probes > 0
            lane.probes = 0
            self._startable.add(lane)
        self._told_over()
