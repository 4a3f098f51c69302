"""A handler that wants all the records that wait for its key at once: coalescing.

Three quick messages of one customer may then get one answer. The records of a batch are of one
key and one partition, follow each other in the order of their offsets (tombstones that are
skipped apart), and are done together when the handler returns. A batch that can't succeed is
handed over again record by record, so that only the one to blame becomes a dead letter.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from recado_lanes.record import Record


def never_alone(_record: Record) -> bool:
    """No record must stand alone."""
    return False


@dataclass(frozen=True, slots=True)
class Batch:
    """Registers a handler of several records in the place of a handler of one.

    Raises `ValueError` for limits that make no sense.
    """

    handler: Callable[[Sequence[Record]], Awaitable[None]]
    """Gets at least one record. Returns and raises as a `Handler` does, for all of them."""

    max_records: int = 100
    """No batch is longer."""

    settle: timedelta = timedelta(0)
    """A key that was idle waits this long after its first record for more to come.

    It waits no longer when the batch is full or ended by a record that must stand alone.
    """

    alone: Callable[[Record], bool] = never_alone
    """Whether a record ends the batch before it and is handed over by itself, as a command is.

    If it raises, the record stands alone: what can't be read is for the handler to judge.
    """

    def __post_init__(self) -> None:
        if self.max_records < 1:
            raise ValueError("max_records must be at least 1")
        if self.settle < timedelta(0):
            raise ValueError("settle must not be negative")
