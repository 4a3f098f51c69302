"""Which lane may be started next, with a ceiling over the topics that have one.

What it promises:

- Of all that may be started, the longest backlog is next, now and then the one that waits longest
  (`recado_lanes.backlogs`); so it is among the lanes of one topic, too.
- No more keys of a topic are worked on than its ceiling says, in all partitions of the process
  together. The others of that topic stand aside, hold no slot, and cost the other topics nothing.
"""

from recado_lanes.backlogs import Backlogs
from recado_lanes.keylane import KeyLane, State


class Ceiling:
    """How many keys of a topic may be worked on at once."""

    __slots__ = ("aside", "limit", "working")

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError("a ceiling must be at least 1")
        self.limit = limit
        self.working = 0
        self.aside: Backlogs[KeyLane] = Backlogs()
        """Those that were next when the topic was at its ceiling."""


class Startable:
    """The lanes that something waits in and nothing is done for."""

    def __init__(self) -> None:
        self._next: Backlogs[KeyLane] = Backlogs()

    def __bool__(self) -> bool:
        """Whether `pop` may find one. Those that stand aside do not count."""
        return bool(self._next)

    def add(self, lane: KeyLane) -> None:
        """It can be started from now on."""
        lane.state = State.READY
        lane.stands_in = self._next
        self._next.add(lane)

    def grew(self, lane: KeyLane) -> None:
        """More waits in this one, which can be started."""
        if lane.stands_in is not None:
            lane.stands_in.grew(lane)

    def remove(self, lane: KeyLane) -> None:
        """It can't be started any more. One that could not anyway is ignored."""
        if lane.stands_in is None:
            return
        lane.stands_in.remove(lane)
        if lane.stands_in is self._next:
            self._make_up(lane.partition.ceiling)
        lane.stands_in = None

    def pop(self) -> KeyLane | None:
        """Take the next one out; None if there is none whose topic has room."""
        while self._next:
            lane = self._next.pop()
            ceiling = lane.partition.ceiling
            if ceiling is None or ceiling.working < ceiling.limit:
                lane.stands_in = None
                return lane
            lane.stands_in = ceiling.aside
            ceiling.aside.add(lane)
        return None

    def took(self, lane: KeyLane) -> None:
        """The lane is worked on now."""
        ceiling = lane.partition.ceiling
        if ceiling is not None:
            ceiling.working += 1

    def left(self, lane: KeyLane) -> None:
        """The lane is not worked on any more."""
        ceiling = lane.partition.ceiling
        if ceiling is not None:
            ceiling.working -= 1
            self._make_up(ceiling)

    def _make_up(self, ceiling: Ceiling | None) -> None:
        """One fewer is worked on or about to be: while there is room, one need not stand aside."""
        if ceiling is not None and ceiling.aside and ceiling.working < ceiling.limit:
            self.add(ceiling.aside.pop())
