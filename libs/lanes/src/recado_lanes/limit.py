"""How many keys may be worked on at once: a fixed number, or one that finds itself.

The adaptive limit adds one for every limit's worth of successes and halves when the other side
says that it is too much (`Transient(overloaded=True)`, a time-out): additive increase,
multiplicative decrease. It does not grow while it is not used up, nor while handling takes much
longer than it did at its best, for then more at once only makes a longer queue elsewhere. After
halving it ignores further signs for about the time of one handling: they speak of the same load.
"""

from dataclasses import dataclass
from typing import Final

SLOWER: Final = 2.0
"""Handling that takes more than this times its best is a queue, not work."""

FORGETS: Final = 0.001
"""The best time is forgotten by this share with each success, so that it can follow."""


@dataclass(frozen=True, slots=True)
class Adaptive:
    """Bounds of an adaptive limit. Raises `ValueError` unless 1 <= minimum <= maximum."""

    minimum: int = 1
    maximum: int = 256

    def __post_init__(self) -> None:
        if not 1 <= self.minimum <= self.maximum:
            raise ValueError("1 <= minimum <= maximum")


class Limit:
    """The present limit. Times are seconds of the loop's clock."""

    def __init__(self, start: int, adaptive: Adaptive | None = None) -> None:
        self._adaptive = adaptive
        self._exact = float(start)
        if adaptive is not None:
            self._exact = float(min(max(start, adaptive.minimum), adaptive.maximum))
        self._best = 0.0
        self._deaf_until = 0.0
        self.now = int(self._exact)
        """So many may be worked on at once."""

    def succeeded(self, took: float, in_work: int) -> None:
        """Something was handled in this time, while so many were worked on."""
        if self._adaptive is None:
            return
        self._best = took if self._best <= 0 else min(self._best * (1 + FORGETS), took)
        if in_work < self.now or took > self._best * SLOWER:
            return
        self._exact = min(self._exact + 1 / self._exact, float(self._adaptive.maximum))
        self.now = int(self._exact)

    def overloaded(self, took: float, at: float) -> None:
        """The other side had too much, after so long, at this time."""
        if self._adaptive is None or at < self._deaf_until:
            return
        self._deaf_until = at + max(took, self._best)
        self._exact = max(self._exact / 2, float(self._adaptive.minimum))
        self.now = int(self._exact)
