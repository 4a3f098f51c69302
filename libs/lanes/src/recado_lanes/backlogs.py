"""Which lane is next: that with the longest backlog, now and then the one that waits longest.

Who starts first in, first out leaves long backlogs for the end, when they can't be shared out any
more: a key is handled one record at a time. Always starting the longest would starve short ones,
so every `AGEING`th start goes to the lane that has waited longest. Both cost a few dictionary
operations whatever the number of lanes.
"""

from collections import OrderedDict
from typing import Final, Generic, Protocol, TypeVar

AGEING: Final = 16

EXACT: Final = 16
"""Backlogs up to this are told apart; above, those of about the same size are one."""


class HasBacklog(Protocol):
    """What waits for its turn. Hashed by identity."""

    rank: int
    """For `Backlogs` alone: the bucket that it stands in, 0 while it does not wait."""

    def __len__(self) -> int: ...


LaneT = TypeVar("LaneT", bound=HasBacklog)


class Backlogs(Generic[LaneT]):
    """The lanes that can be started."""

    def __init__(self) -> None:
        self._by_rank: list[OrderedDict[LaneT, None]] = [
            OrderedDict() for _ in range(_rank(1 << 62) + 1)
        ]
        self._by_age: OrderedDict[LaneT, None] = OrderedDict()
        self._highest = 0  # no bucket above has any
        self._starts = 0

    def __len__(self) -> int:
        return len(self._by_age)

    def add(self, lane: LaneT) -> None:
        """It can be started now. It must not be among the lanes already."""
        self._by_age[lane] = None
        self._place(lane, _rank(len(lane)))

    def grew(self, lane: LaneT) -> None:
        """More waits in this one, which is among the lanes."""
        rank = _rank(len(lane))
        if rank != lane.rank:
            del self._by_rank[lane.rank][lane]
            self._place(lane, rank)

    def remove(self, lane: LaneT) -> None:
        """It can't be started any more. One that is not among the lanes is ignored."""
        if lane.rank:
            del self._by_rank[lane.rank][lane]
            del self._by_age[lane]
            lane.rank = 0

    def pop(self) -> LaneT:
        """Take the next one out. Raises `KeyError` if there is none."""
        self._starts += 1
        if self._starts % AGEING == 0:
            lane, _ = self._by_age.popitem(last=False)
            del self._by_rank[lane.rank][lane]
        else:
            if not self._by_age:
                raise KeyError("nothing waits")
            while not self._by_rank[self._highest]:
                self._highest -= 1
            lane, _ = self._by_rank[self._highest].popitem(last=False)
            del self._by_age[lane]
        lane.rank = 0
        return lane

    def _place(self, lane: LaneT, rank: int) -> None:
        lane.rank = rank
        self._by_rank[rank][lane] = None
        self._highest = max(self._highest, rank)


def _rank(backlog: int) -> int:
    """At least 1; exact for small backlogs, by powers of two above."""
    return max(backlog, 1) if backlog < EXACT else EXACT - 5 + backlog.bit_length()
