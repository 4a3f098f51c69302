"""How fast something may go on: the generic cell rate algorithm, which also tells times ahead.

A `Pace` lets one go in each `interval`, and `burst` of them at once where so many intervals have
passed unused. It keeps one number, the time by which all that was let go would have gone at even
spacing, and knows of no clock: whoever asks says what time it is, in seconds of a clock that never
goes back.

The libraries that do this say yes or no, or put whoever asks to sleep. What is needed here is a
time: a wait of a minute must not hold a slot, and those who wait must keep their order.
"""

from dataclasses import dataclass

_ON_GRID = 1e-3
"""Of an interval: so far from it counts as on it."""


@dataclass(slots=True)
class Pace:
    """One rate. `interval` in seconds, above zero; `burst` at least 1."""

    interval: float
    burst: int = 1
    behind: float = float("-inf")
    """When all that was let go would have gone, one an interval."""

    def next(self, now: float) -> float:
        """The earliest time, `now` or later, at which one more may go."""
        return max(now, self.behind - (self.burst - 1) * self.interval)

    def take(self, now: float, grid: float | None = None) -> float:
        """Let one go at the earliest time, which may be ahead; that time.

        With `grid` whoever has to wait goes a whole number of intervals from that time. One more is
        lost for that at most, by the first who waits: those behind are on it by themselves.
        """
        at = self.next(now)
        if grid is not None and at > now:
            past = (at - grid) % self.interval
            if past > _ON_GRID * self.interval:
                at += self.interval - past
        self.behind = max(self.behind, at) + self.interval
        return at

    def spend(self, now: float) -> None:
        """One went `now`, allowed or not."""
        self.behind = max(self.behind, now) + self.interval

    def unused(self, now: float) -> bool:
        """Whether nothing that was let go counts any more: a new pace would be the same."""
        return self.behind <= now

    def empty(self, now: float) -> None:
        """Of the burst nothing is left: one may go `now`, and then one an interval."""
        self.behind = max(self.behind, now + (self.burst - 1) * self.interval)
