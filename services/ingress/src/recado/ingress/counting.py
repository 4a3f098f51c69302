"""Names that platforms gave to things, as values of a label: so many and no more.

A new kind of message is to be seen by its name; but each name is a series that is kept for as long
as the process runs.
"""

import re

MAX_COUNTED_NAMES = 50
REMAINDER = "other"
"""Stands for every name beyond the first, and for what is no name."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)


class BoundedNames:
    """Hands out the first names that it sees, and one word for all others."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def name(self, written: str) -> str:
        """The name, or `REMAINDER`."""
        if written in self._known:
            return written
        if len(self._known) >= self._limit or _NAME.fullmatch(written) is None:
            return REMAINDER
        self._known.add(written)
        return written
