"""The series of a metric, found again at once.

`family.labels(…)` takes a lock and makes a tuple of strings anew each time, which for a webhook is
half of what counting costs. A series found here is the same one. Not for families of which series
are taken away again: it would go on counting in one that nobody sees.
"""

from functools import lru_cache
from typing import TypeVar, cast

from recado.servicekit.metrics import Family

MOST = 1024
"""Labels have few values each, known beforehand; this bounds what a mistake would cost."""

_F = TypeVar("_F", bound=Family)


def series(family: _F, *labels: str) -> _F:
    """As `family.labels(*labels)`."""
    return cast("_F", _found(family, labels))


@lru_cache(MOST)
def _found(family: Family, labels: tuple[str, ...]) -> Family:
    return family.labels(*labels)
