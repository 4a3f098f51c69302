"""The workloads of the lanes benchmark: which key comes when, and how long each record takes."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

PARTITIONS: Final = 6
CONCURRENCY: Final = 256


@dataclass(frozen=True, slots=True)
class Workload:
    """Records drawn once and for all by a seed."""

    name: str
    what: str
    records: int
    keys: int
    seconds: float
    """A record's handling takes this long."""

    slow_every: int = 0
    slow_seconds: float = 0.0
    zipf: float = 0.0
    """Exponent of the keys' distribution; 0 draws them evenly."""

    def draw(self) -> Sequence[tuple[int, float]]:
        """Key and time of each record as they are written; fewer records are the first of them."""
        rng = random.Random(5)
        weights = [1 / (rank + 1) ** self.zipf for rank in range(self.keys)]
        drawn = rng.choices(range(self.keys), weights, k=self.records)
        slow = self.slow_every
        return [
            (key, self.slow_seconds if slow and n % slow == 7 else self.seconds)
            for n, key in enumerate(drawn)
        ]

    def bound(self) -> float:
        """Seconds below which neither concurrency nor key order lets anybody come."""
        load = self.draw()
        of_key: dict[int, float] = defaultdict(float)
        for key, seconds in load:
            of_key[key] += seconds
        return max(sum(seconds for _, seconds in load) / CONCURRENCY, max(of_key.values()))

    def first(self, records: int) -> Self:
        """The same with its first records only."""
        return replace(self, records=min(records, self.records))


WORKLOADS: Final = (
    Workload("W1", "20,000 records of 50 ms, 2,000 keys", 20_000, 2_000, 0.05),
    Workload("W2", "3,000 records of 1 s, 3,000 keys", 3_000, 3_000, 1.0),
    Workload(
        "W3", "as W1, 1 in 200 takes 5 s", 20_000, 2_000, 0.05, slow_every=200, slow_seconds=5.0
    ),
    Workload("Zipf", "8,000 records of 20 ms, keys by Zipf", 8_000, 2_000, 0.02, zipf=1.0),
    Workload("W4", "60,000 records of 0 ms, 2,000 keys", 60_000, 2_000, 0.0),
)


def workload(name: str, records: int) -> Workload:
    """The workload of a name with its first records."""
    (found,) = [one for one in WORKLOADS if one.name == name]
    return found.first(records)


def others(load: Sequence[tuple[int, float]], workload: Workload) -> set[int]:
    """The keys that nothing slow or hot belongs to: what is measured apart."""
    keys = {key for key, _ in load}
    if workload.slow_every:
        return keys - {key for key, seconds in load if seconds == workload.slow_seconds}
    if workload.zipf:
        return keys - {0}
    return keys
