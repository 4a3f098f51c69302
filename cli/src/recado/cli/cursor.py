"""What is new in a collection whose rows tell the topic, partition and offset of their event.

No clock is asked, so it does not matter how those of the writers differ, nor that a writer was
away for an hour. Rows of one partition appear roughly, not exactly, in the order of their offsets,
for other conversations do not wait for a slow one. So the cursor remembers which offsets below the
highest had no row yet, and takes them too when they appear. Each row is taken once; a row is missed
only if it appears later than `PATIENCE` after a higher one, or behind more than `MAX_GAPS` others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

Partition: TypeAlias = tuple[str, int]
"""A topic and one of its partitions."""

MAX_GAPS = 1000
"""Of one partition. Some never get a row: a hand-off has none, nor what was delivered twice."""

PATIENCE = timedelta(hours=1)


@dataclass(slots=True)
class _Place:
    highest: int
    gaps: dict[int, float] = field(default_factory=dict)
    """Offsets without a row, in order of the time since when they are waited for."""


class Cursor:
    """Where the rows that were taken end. No I/O."""

    def __init__(
        self, highest: Mapping[Partition, int], present: Mapping[Partition, set[int]], *, now: float
    ) -> None:
        """Begin behind what is there: the highest offset of each partition (-1: none), and which
        of the `MAX_GAPS` offsets up to it have a row."""
        self._places = {
            one: _Place(
                top,
                dict.fromkeys(
                    (
                        offset
                        for offset in range(max(0, top - MAX_GAPS + 1), top)
                        if offset not in present.get(one, set())
                    ),
                    now,
                ),
            )
            for one, top in highest.items()
        }

    def wanted(self) -> Mapping[Partition, tuple[int, tuple[int, ...]]]:
        """What to look for in each partition: rows beyond this offset, and rows at these."""
        return {one: (place.highest, tuple(place.gaps)) for one, place in self._places.items()}

    def take(self, partition: Partition, offset: int, *, now: float) -> bool:
        """Whether a row that was found is new. `now`: seconds of a clock that only goes forward."""
        place = self._places[partition]
        if offset <= place.highest:
            return place.gaps.pop(offset, None) is not None
        first = max(place.highest + 1, offset - MAX_GAPS)
        place.gaps.update(dict.fromkeys(range(first, offset), now))
        place.highest = offset
        while len(place.gaps) > MAX_GAPS:
            del place.gaps[next(iter(place.gaps))]
        return True

    def give_up(self, *, now: float) -> None:
        """Forget the offsets that were waited for longer than `PATIENCE`."""
        for place in self._places.values():
            for offset, since in [*place.gaps.items()]:
                if now - since <= PATIENCE.total_seconds():
                    break
                del place.gaps[offset]
