"""How fast one process sends for one integration: its share of the rate, less after a refusal."""

from dataclasses import dataclass
from typing import Final

from recado.dispatcher.pacing import Pace

MARGIN: Final = 0.915
"""Of the platform's rate is used: what was sent evenly arrives less so, and a second that is too
full by one is one too many."""

CATCH_UP: Final = 0.985
"""Those who were held up may be so much closer to each other than that."""

LEAD: Final = 0.5
"""Seconds. So long before its turn an answer is taken up, for what is to be written before."""

SLOWER: Final = 0.9
SLOWEST: Final = 0.1
FASTER_AGAIN: Final = 0.05
"""Of the whole rate, each second."""
ONCE_IN: Final = 1.0
"""Seconds: what is refused at the same time is one reason to go slower, not many."""


@dataclass(frozen=True, slots=True)
class Share:
    """What this process has of every rate."""

    of_rate: float
    place: float
    """In an interval, from 0 to 1: when those who wait go."""
    zero: float
    """By this process's ticks: a moment that all processes agree on."""


class IntegrationRate:
    """The rate of one integration in this process."""

    def __init__(self, platform: str, per_second: float, share: Share, now: float) -> None:
        self.platform = platform
        self.per_second = per_second
        self._share = share
        self._slowed = 1.0
        self._slowed_at = float("-inf")  # when it had that value
        self._refused_at = float("-inf")
        self.epoch = 0
        self.pace = Pace(1.0)
        self.gate = Pace(1.0)
        """How close two sends really are; the pace is when they should be."""
        self._set(now)

    def begin(self, share: Share, now: float) -> None:
        """Another share of it, with nothing saved up."""
        self._share = share
        self._set(now)

    def change(self, per_second: float, now: float) -> None:
        """Another rate was configured."""
        self.per_second = per_second
        self._set(now)

    def slow_down(self, now: float) -> None:
        """The platform wants less."""
        if now - self._refused_at >= ONCE_IN:
            self._refused_at = now
            self._slowed = max(self._factor(now) * SLOWER, SLOWEST)
            self._slowed_at = now
            self._set(now)

    def recover(self, now: float) -> bool:
        """Go faster again if it was slowed down long enough ago; whether it does."""
        factor = self._factor(now)
        if factor < min(1.0, self._slowed + FASTER_AGAIN) or self._slowed == 1.0:
            return False
        self._slowed, self._slowed_at = factor, now
        self._interval()
        return True

    def rate(self) -> float:
        """Messages a second."""
        return self.per_second * self._share.of_rate * self._slowed * MARGIN

    def take(self, now: float) -> float:
        """When the next one may go, after all who asked before."""
        if self._share.of_rate == 1.0:
            return self.pace.take(now)
        return self.pace.take(now, self._share.zero + self._share.place * self.pace.interval)

    def _factor(self, now: float) -> float:
        return min(1.0, self._slowed + max(0.0, now - self._slowed_at) * FASTER_AGAIN)

    def _set(self, now: float) -> None:
        """Those who wait ask again, and those whose turn is near go first."""
        self.epoch += 1
        self.pace.behind = now + LEAD
        self._interval()

    def _interval(self) -> None:
        self.pace.interval = 1.0 / self.rate()
        self.gate.interval = self.pace.interval * CATCH_UP
