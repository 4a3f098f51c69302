"""One assigned partition: what waits in it, what is worked on, what may be committed.

A lane lives for one assignment. When its partition is revoked the lane is closed and thrown
away with its offsets, so that nothing it completes afterwards can be committed, and a record
that comes again after a new assignment meets a new lane that knows nothing of the old one.

Records are handled one after the other in the order of their offsets, which keeps the order of
every key. A lane may receive records before it is started, for a client can deliver the first
records of an assignment before it announces the assignment.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from recado_lanes.calling import call
from recado_lanes.errors import Fatal, OffsetWentBack, RestoreFailed, Unavailable
from recado_lanes.handling import Handling, Outage
from recado_lanes.offsets import OffsetTracker
from recado_lanes.options import LaneOptions
from recado_lanes.ports import Observer
from recado_lanes.record import Handler, Partition, Record, Restore
from recado_lanes.retry import Backoff, set_within


class PartitionLane:
    """Handles the records of one partition, in order, until it is closed."""

    def __init__(
        self,
        partition: Partition,
        *,
        handler: Handler,
        restore: Restore | None,
        handling: Handling,
        options: LaneOptions,
        observer: Observer,
        progressed: Callable[["PartitionLane"], None],
    ) -> None:
        self.partition = partition
        self.offsets = OffsetTracker()
        self.assigned = False
        self.paused = False
        self.task: asyncio.Task[None] | None = None
        self._handler = handler
        self._restore = restore
        self._handling = handling
        self._options = options
        self._observer = observer
        self._progressed = progressed
        self._waiting: deque[Record] = deque()
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many records wait to be handled."""
        return len(self._waiting)

    @property
    def closed(self) -> bool:
        """Whether no more records are begun."""
        return self._closing.is_set()

    def accept(self, record: Record) -> None:
        """Put a record behind those that wait. Raises `OffsetWentBack`."""
        if record.offset < self.offsets.expected:
            raise OffsetWentBack(record, self.offsets.expected)
        self.offsets.take(record.offset)
        self._waiting.append(record)
        self._wake.set()

    def close(self) -> None:
        """Begin no more records and wait for none; the one in work may end by itself."""
        self._closing.set()
        self._wake.set()

    async def run(self) -> None:
        """Handle what comes until the lane is closed. Raises `Fatal`."""
        restored = self._restore is None
        while (record := await self._next()) is not None:
            if not restored:
                restored = await self._restore_before(record)
                if not restored:
                    return
            if not await self._handling.handle(self._handler, record, self._closing):
                return
            self._waiting.popleft()
            self.offsets.done(record.offset)
            self._progressed(self)

    async def _next(self) -> Record | None:
        """The first record that waits; None when the lane is closed."""
        while not self._closing.is_set():
            if self._waiting:
                return self._waiting[0]
            self._wake.clear()
            await self._wake.wait()
        return None

    async def _restore_before(self, record: Record) -> bool:
        """Run the restore hook until it works; False if the lane closes first."""
        if self._restore is None:
            return True
        backoff = Backoff(self._options)
        outage = Outage(self._options, backoff, self._observer)
        attempts = 0
        while not self._closing.is_set():
            try:
                await call(
                    self._restore,
                    record,
                    timeout=self._options.restore_timeout,
                    grace=self._options.cancel_grace,
                )
            except Unavailable as error:
                if not await outage.wait(record, error, self._closing):
                    return False
            except Fatal:
                raise
            except Exception as error:
                outage.over(record)
                attempts += 1
                if attempts >= self._options.transient_attempts:
                    raise RestoreFailed(self.partition, error) from error
                wait = backoff.before_retry(attempts)
                self._observer.retrying(record, attempts=attempts, error=error, wait=wait)
                await set_within(self._closing, wait)
            else:
                outage.over(record)
                return True
        return False


async def drain(lanes: list[PartitionLane], *, budget: timedelta, grace: timedelta) -> None:
    """Close the lanes, give the records in work that long to end, cancel those that don't.

    On return every lane has ended, but for those with a stuck handler.
    """
    for lane in lanes:
        lane.close()
    tasks = {lane.task for lane in lanes if lane.task is not None}
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=budget.total_seconds())
    for task in late:
        task.cancel()
    if late:
        # A lane's own cancellation waits for its handler's for `grace`; leave it a little more.
        await asyncio.wait(late, timeout=grace.total_seconds() + 1)
