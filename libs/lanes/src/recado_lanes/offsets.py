"""Which offset of a partition may be committed, and what is done beyond it.

Kafka commits the offset *after* the last record that is done. Offsets need not follow each
other: compaction and transaction markers leave gaps, which belong to nobody. The offset to
commit is therefore the first one that was taken and is not done; if all are done, the one
after the last. Whatever the order of completions, it never passes a record that is not done.
What is done beyond it is committed with it, as metadata (`recado_lanes.metadata`).
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from recado_lanes.metadata import LIMIT, Completed, Run, encode, milliseconds


@dataclass(frozen=True, slots=True)
class Commit:
    """An offset to commit, with its metadata; `changes` tells the tracker what it contains."""

    offset: int
    metadata: str
    changes: int


class OffsetTracker:
    """Offsets of one partition during one assignment; a new assignment starts a new tracker."""

    def __init__(self) -> None:
        self._open: dict[int, datetime] = {}  # taken and not done, ascending; when written
        self._expected = 0
        self._before: deque[Run] = deque()  # done by whoever had the partition before, ascending
        self._changes = 0
        self._acknowledged = 0

    @property
    def expected(self) -> int:
        """The lowest offset that may be taken next."""
        return self._expected

    @property
    def unfinished(self) -> int:
        """How many records were taken and are not done."""
        return len(self._open)

    @property
    def first_gap(self) -> int:
        """The first offset that is not done: the one to commit."""
        return next(iter(self._open), self._expected)

    @property
    def oldest(self) -> datetime | None:
        """When the record at the first gap was written; None if all are done."""
        return next(iter(self._open.values()), None)

    @property
    def span(self) -> int:
        """How many offsets lie between the first gap and the last one that was taken."""
        return self._expected - self.first_gap

    def take(self, offset: int, written: datetime) -> None:
        """Count an offset as taken. Raises `ValueError` if it is below `expected`."""
        if offset < self._expected:
            raise ValueError(f"offset {offset} is below {self._expected}")
        self._open[offset] = written
        self._expected = offset + 1

    def done(self, offset: int) -> None:
        """Count a taken offset as done. Raises `ValueError` if it is not being worked on."""
        try:
            del self._open[offset]
        except KeyError:
            raise ValueError(f"offset {offset} is not being worked on") from None
        self._changes += 1

    def resume(self, completed: Completed) -> bool:
        """Take over what another assignment completed; False if it is of another log.

        To be called when the first record is taken and nothing is done: that record must be the
        one that the metadata was written for.
        """
        first = next(iter(self._open), None)
        if first != completed.base or milliseconds(self._open[first]) != completed.written:
            return False
        self._before = deque(completed.runs)
        return True

    def done_before(self, offset: int) -> bool:
        """Whether a former assignment completed this one. Ask in ascending order."""
        before = self._before
        while before and before[0][1] <= offset:
            before.popleft()
        return bool(before) and before[0][0] <= offset

    def completed(self) -> Completed | None:
        """What is done beyond the first gap; None if all that was taken is done."""
        if not self._open:
            return None
        runs: list[Run] = []
        offsets = iter(self._open)
        base = next(offsets)
        after = base + 1
        for offset in offsets:
            if offset > after:
                runs.append((after, offset))
            after = offset + 1
        if after < self._expected:
            runs.append((after, self._expected))
        for start, end in self._before:  # what is not polled again yet must not be forgotten
            if end > self._expected:
                start = max(start, self._expected)
                if runs and runs[-1][1] == start:
                    start = runs.pop()[0]
                runs.append((start, end))
        return Completed(base, milliseconds(self._open[base]), tuple(runs))

    def to_commit(self, *, limit: int = LIMIT) -> Commit | None:
        """What to commit now, or None if there is nothing new to commit."""
        if self._changes == self._acknowledged:
            return None
        completed = self.completed()
        metadata = encode(completed, limit=limit) if completed else ""
        return Commit(self.first_gap, metadata, self._changes)

    def committed(self, commit: Commit) -> None:
        """The group has acknowledged this; an earlier one changes nothing."""
        self._acknowledged = max(self._acknowledged, commit.changes)
