"""Bounds on what a request, and all requests together, may use.

`Bucket` bounds how many requests an integration gets, `TokenBuckets` how many rejected ones are
recorded, `ByteBudget` the memory that bodies take from their first byte to their answer. All belong
to one event loop.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Self

from recado.ingress.errors import Overloaded


class Bucket:
    """A token bucket, full at first. Equal to another of the same size."""

    def __init__(
        self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._size = (per_second, float(burst))
        self._clock = clock
        self._tokens = float(burst)
        self._since = clock()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bucket) and self._size == other._size

    def take(self) -> float:
        """Take a token: 0, or the seconds until there is one."""
        per_second, burst = self._size
        now = self._clock()
        self._tokens = min(burst, self._tokens + (now - self._since) * per_second)
        self._since = now
        if self._tokens < 1:
            return (1 - self._tokens) / per_second
        self._tokens -= 1
        return 0.0


class TokenBuckets:
    """A token bucket per key. Keys are whatever comes in, so only the latest are remembered.

    A key that was forgotten starts with a full bucket: a caller for whom that matters asks a
    second, coarser set of buckets too.
    """

    def __init__(
        self,
        *,
        per_second: float,
        burst: int,
        max_keys: int = 4096,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._max_keys = max_keys
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._buckets)

    def take(self, key: Hashable) -> bool:
        """Take a token of this key; False if there is none."""
        now = self._clock()
        tokens, since = self._buckets.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._per_second)
        taken = tokens >= 1
        self._buckets[key] = (tokens - 1 if taken else tokens, now)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        return taken


class ByteBudget:
    """How many bytes of bodies are held at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.held = 0

    def hold(self) -> "HeldBytes":
        """Account for one body, in a `with` block. What it took is free again at its end."""
        return HeldBytes(self)

    def take(self, size: int) -> None:
        """Raises `Overloaded` where the limit would be passed."""
        if self.held + size > self._limit:
            raise Overloaded("too many requests at once")
        self.held += size

    def give_back(self, size: int) -> None:
        """Have so many bytes free again."""
        self.held -= size


class HeldBytes:
    """What one body holds of a budget, until the `with` block ends."""

    __slots__ = ("_budget", "size")

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._budget.give_back(self.size)
        self.size = 0

    def grow(self, size: int) -> None:
        """Hold so many more bytes. Raises `Overloaded`, and then holds no more than before."""
        self._budget.take(size)
        self.size += size
