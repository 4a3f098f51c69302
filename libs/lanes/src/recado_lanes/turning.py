"""Whether the loop that polls still turns: what a process's liveness can say of its consumer.

A poll that never returns raises nothing: the process stays up, is a member of its group and handles
nothing. So it is measured how long the loop has stood still. To wait for the group does not count,
for that lasts as long as Kafka is away, and a restart would not bring it back. Giving partitions
back does: it is our own work and has its limits.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic


class Turning:
    """Told by whoever polls, asked by whoever watches; both in one event loop."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._turned: float | None = None
        self._waits: Callable[[], bool] = _never
        self._handing_over: float | None = None
        self.last: datetime | None = None
        """When it last turned; None before the first poll."""

    @contextmanager
    def polling(self, waits: Callable[[], bool]) -> Iterator[None]:
        """Around one poll. `waits` says whether it waits for the group just now."""
        self._turn()
        self._waits = waits
        try:
            yield
        finally:
            self._waits = _never
            self._turn()

    @contextmanager
    def handing_over(self) -> Iterator[None]:
        """Around what is done in a rebalance: the group waits for us, not we for it."""
        self._handing_over = self._clock()
        try:
            yield
        finally:
            self._handing_over = None
            if self._turned is not None:
                self._turned = self._clock()

    @property
    def still(self) -> timedelta:
        """For how long the loop has stood still; zero before the first poll and while it may."""
        since = self._handing_over
        if since is None and not self._waits():
            since = self._turned
        return timedelta(0) if since is None else timedelta(seconds=self._clock() - since)

    def _turn(self) -> None:
        self._turned = self._clock()
        self.last = datetime.now(UTC)


def _never() -> bool:
    return False
