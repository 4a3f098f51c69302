"""What waits for one key of one partition, and what is being done for it.

A lane is in one state at a time. It holds a slot only while it is `WORKING`: one that waits to
try again, or for more records to come, holds none.
"""

import asyncio
from collections import deque
from collections.abc import Hashable, Sequence
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from recado_lanes.backlogs import Backlogs
from recado_lanes.batch import Batch
from recado_lanes.dead_letter import DeadLetter
from recado_lanes.outage import Outage
from recado_lanes.record import Handler, Record

if TYPE_CHECKING:
    from recado_lanes.partition import PartitionLanes

NO_TIME: Final = timedelta(0)


class State(Enum):
    """Where a lane stands."""

    IDLE = auto()
    """Nothing waits."""

    SETTLING = auto()
    """More may come for the batch; ends by a timer."""

    READY = auto()
    """Among the backlogs."""

    WORKING = auto()
    """Holds a slot."""

    WAITING = auto()
    """Tries again later; ends by a timer."""

    SUSPENDED = auto()
    """Something it needs is unavailable; ends with the outage."""


class KeyLane:
    """The records of one key in the order of their offsets."""

    __slots__ = (
        "alone",
        "attempts",
        "began",
        "cut",
        "deadline",
        "handler",
        "key",
        "letters",
        "outage",
        "overdue",
        "partition",
        "probes",
        "rank",
        "singly",
        "spent",
        "stands_in",
        "state",
        "task",
        "timer",
        "waiting",
        "work",
    )

    def __init__(
        self, key: Hashable, partition: "PartitionLanes", handler: Handler | Batch
    ) -> None:
        self.key = key
        self.partition = partition
        self.handler = handler
        self.waiting: deque[Record] = deque()
        self.work: Sequence[Record] = ()
        """What is handled now, or tried again later."""
        self.state = State.IDLE
        self.rank = 0
        self.stands_in: Backlogs[KeyLane] | None = None
        """Where it waits for its turn."""
        self.singly = 0
        """So many of the records waiting were in a batch that failed: one by one now."""
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.began = 0.0
        self.deadline = 0.0
        self.overdue = False
        """Cancelled because its time was up."""
        self.cut = False
        """Cancelled because its partition goes."""
        self.letters: deque[DeadLetter] = deque()
        """To be published before the work is done; its handler is not called again."""
        self.attempts = 0
        self.spent = 0.0
        """Seconds of the work's time that earlier attempts and waits used up."""
        self.probes = 0
        """How often it probed in the present outage and failed."""
        self.alone = False
        """Others succeeded while it found something unavailable: its own trouble, not theirs."""
        self.outage: Outage | None = None

    def __len__(self) -> int:
        return len(self.waiting) + len(self.work)

    def __bool__(self) -> bool:
        return True

    def take_work(self) -> None:
        """Take what is handled next from what waits, if nothing is in hand."""
        if self.work:
            return
        first = self.waiting.popleft()
        if not isinstance(self.handler, Batch):
            self.work = (first,)
            return
        batch = [first]
        if self.singly:
            self.singly -= 1
        elif not _stands_alone(self.handler, first):
            limit = self.handler.max_records
            while (
                self.waiting
                and len(batch) < limit
                and not _stands_alone(self.handler, self.waiting[0])
            ):
                batch.append(self.waiting.popleft())
        self.work = batch

    def split(self) -> None:
        """Put the batch in hand back, to be handled record by record."""
        self.waiting.extendleft(reversed(self.work))
        self.singly += len(self.work)
        self.begin_anew()

    def settled(self) -> bool:
        """Whether there is nothing to wait for before a batch is handed over."""
        batch = self.handler
        if not isinstance(batch, Batch) or not batch.settle or self.singly:
            return True
        return len(self.waiting) >= batch.max_records or any(
            _stands_alone(batch, record) for record in self.waiting
        )

    def begin_anew(self) -> None:
        """Nothing is in hand, and nothing was tried."""
        self.work = ()
        self.attempts = 0
        self.spent = 0.0
        self.probes = 0

    def stop_timer(self) -> None:
        """No timer of it will fire."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


def _stands_alone(batch: Batch, record: Record) -> bool:
    """What can't be read stands alone, for its handler to judge."""
    try:
        return batch.alone(record)
    except Exception:  # noqa: BLE001 - any bug of the function; the record must not suffer from it
        return True
