"""Notices that dead letters are an outage and not bad records, before the topic is emptied."""

from collections import deque
from collections.abc import Hashable
from typing import Final

from recado_lanes.errors import TooManyDeadLetters
from recado_lanes.options import LaneOptions
from recado_lanes.record import Record

WINDOW: Final = 1000
"""So many of the last ends of records are looked at."""


class DeadLetterGuard:
    """Counts failures of different keys; shared by all partitions of a topic.

    One customer whose records all fail is no outage, many different ones are: too many in a row,
    or too large a share of the keys among the last records. Records without a key count one by
    one. What goes well on another topic says nothing about this one's handler.
    """

    def __init__(self, options: LaneOptions) -> None:
        self._in_a_row = options.dead_letters_in_a_row
        self._share = options.dead_letter_share
        self._row: set[Hashable] = set()
        self._good: deque[tuple[int, Hashable]] = deque(maxlen=WINDOW)
        self._bad: deque[tuple[int, Hashable]] = deque(maxlen=WINDOW)
        self._ends = 0

    def failed(self, record: Record, error: BaseException) -> None:
        """Raise `TooManyDeadLetters` if this record's key is the one too many."""
        key = _key(record)
        self._row.add(key)
        self._ends += 1
        self._bad.append((self._ends, key))
        for of_old in (self._bad, self._good):
            while of_old and of_old[0][0] <= self._ends - WINDOW:
                of_old.popleft()
        if len(self._row) >= self._in_a_row:
            raise TooManyDeadLetters(record, len(self._row), error)
        bad = {key for _, key in self._bad}
        if len(bad) >= self._in_a_row:
            keys = len(bad.union(key for _, key in self._good))
            if len(bad) > self._share * keys:
                raise TooManyDeadLetters(record, len(bad), error, of=keys)

    def succeeded(self, record: Record) -> None:
        """A record was handled: the row is broken."""
        self._ends += 1
        self._good.append((self._ends, _key(record)))
        if self._row:
            self._row.clear()


def _key(record: Record) -> Hashable:
    """Without one a record stands for itself."""
    return (record.partition, record.offset) if record.key is None else record.key
