"""Which offset of a partition may be committed.

Kafka commits the offset *after* the last record that is done. Offsets need not follow each
other: compaction and transaction markers leave gaps, which belong to nobody. The offset to
commit is therefore the first one that was taken and is not done; if all are done, the one
after the last. Whatever the order of completions, it never passes a record that is not done.
"""

from collections import deque


class OffsetTracker:
    """Offsets of one partition during one assignment; a new assignment starts a new tracker."""

    def __init__(self) -> None:
        self._taken: deque[int] = deque()  # taken, from the first gap on
        self._done: set[int] = set()  # those of them that are done
        self._expected = 0
        self._committed: int | None = None

    @property
    def expected(self) -> int:
        """The lowest offset that may be taken next."""
        return self._expected

    @property
    def unfinished(self) -> int:
        """How many records were taken and are not done."""
        return len(self._taken) - len(self._done)

    def take(self, offset: int) -> None:
        """Count an offset as taken. Raises `ValueError` if it is below `expected`."""
        if offset < self._expected:
            raise ValueError(f"offset {offset} is below {self._expected}")
        if self._committed is None:
            # Reading began here, so everything below needs no commit of ours.
            self._committed = offset
        self._taken.append(offset)
        self._expected = offset + 1

    def done(self, offset: int) -> None:
        """Count a taken offset as done. Raises `ValueError` if it is not being worked on."""
        if offset in self._done or offset not in self._taken:
            raise ValueError(f"offset {offset} is not being worked on")
        self._done.add(offset)
        while self._taken and self._taken[0] in self._done:
            self._done.remove(self._taken.popleft())

    def to_commit(self) -> int | None:
        """The offset to commit now, or None if there is nothing new to commit."""
        if self._committed is None:
            return None
        offset = self._taken[0] if self._taken else self._expected
        return offset if offset > self._committed else None

    def committed(self, offset: int) -> None:
        """The group has acknowledged this offset; an earlier one changes nothing."""
        if self._committed is None or offset > self._committed:
            self._committed = offset
