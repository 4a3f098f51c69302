"""One assigned partition: its keys, what may be committed of it, and how it begins and ends.

It lives for one assignment. When the partition is revoked it is closed and thrown away with its
offsets, so that nothing it completes afterwards can be committed, and a record that comes again
after a new assignment meets a new one that knows nothing of the old.

It may receive records before it is opened, for a client can deliver the first records of an
assignment before it announces the assignment. Opening it takes over what is known to be done,
runs the restore hook with the first record, and then hands the records to their keys' lanes.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import TYPE_CHECKING

from recado_lanes.batch import Batch
from recado_lanes.calling import call
from recado_lanes.errors import Fatal, OffsetWentBack, RestoreFailed, Unavailable
from recado_lanes.keylane import KeyLane
from recado_lanes.metadata import UnreadableMetadata, decode
from recado_lanes.offsets import OffsetTracker
from recado_lanes.options import LaneOptions
from recado_lanes.outage import Outage
from recado_lanes.ports import (
    Committed,
    Observer,
    PartitionProgress,
    ProgressObserver,
    Skipped,
)
from recado_lanes.record import Handler, KeyOf, Partition, Record, Restore
from recado_lanes.retry import Backoff, set_within

if TYPE_CHECKING:
    from recado_lanes.startable import Ceiling


class PartitionLanes:
    """The lanes of one partition during one assignment. Compared by identity."""

    def __init__(
        self,
        partition: Partition,
        *,
        handler: Handler | Batch,
        key_of: KeyOf,
        restore: Restore | None,
        options: LaneOptions,
        observer: Observer,
        arrived: Callable[[KeyLane, Record], None],
        ceiling: "Ceiling | None" = None,
    ) -> None:
        self.partition = partition
        self.ceiling = ceiling
        """That of its topic."""
        self.offsets = OffsetTracker()
        self.keys: dict[Hashable, KeyLane] = {}
        self.assigned = False
        self.paused: set[str] = set()
        """Why its intake is paused."""
        self.working = 0
        """How many of its keys are worked on."""
        self.opening: asyncio.Task[None] | None = None
        self._handler = handler
        self._key_of = key_of
        self._restore = restore
        self._options = options
        self._observer = observer
        self._arrived = arrived
        self._tombstones = options.handle_tombstones
        self._held: deque[Record] | None = deque()  # until it is open
        self._came = asyncio.Event()
        self._idle = asyncio.Event()
        self._closing = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many records are not done, those in work among them."""
        return self.offsets.unfinished

    @property
    def closed(self) -> bool:
        """Whether no more records are begun."""
        return self._closing.is_set()

    def progress(self, now: datetime) -> PartitionProgress:
        """How far it is."""
        oldest = self.offsets.oldest
        return PartitionProgress(
            waiting=self.waiting,
            span=self.offsets.span,
            oldest=None if oldest is None else now - oldest,
            paused=frozenset(self.paused),
        )

    def accept(self, record: Record) -> None:
        """Put a record behind those of its key. Raises `OffsetWentBack`."""
        offsets = self.offsets
        if record.offset < offsets.expected:
            raise OffsetWentBack(record, offsets.expected)
        offsets.take(record.offset, record.timestamp)
        if self._held is None:
            self._distribute(record)
        else:
            self._held.append(record)
            self._came.set()

    def close(self) -> None:
        """Begin no more records and wait for none; those in work may end by themselves."""
        self._closing.set()
        self._came.set()

    def left(self) -> None:
        """One of its keys is no longer worked on."""
        self.working -= 1
        if not self.working:
            self._idle.set()

    async def ended(self) -> None:
        """Return when nothing of it is worked on any more."""
        if self.opening is not None:
            await asyncio.wait({self.opening})
        while self.working:
            self._idle.clear()
            await self._idle.wait()

    async def open(self, committed: Committed | None) -> None:
        """Begin, when the first record is there. Raises `Fatal`."""
        await self._came.wait()
        if self.closed or not self._held:
            return
        first = self._held[0]
        self._take_over(committed)
        if not await self._restored(first):
            return
        # No await from here on: what comes later must not overtake what is held.
        held, self._held = self._held, None
        for record in held:
            self._distribute(record)

    def _take_over(self, committed: Committed | None) -> None:
        if committed is None or not committed.metadata:
            return
        ignored: str | None = None
        done = 0
        try:
            completed = decode(committed.metadata)
            if completed.base != committed.offset or not self.offsets.resume(completed):
                ignored = "it belongs to another log"
            else:
                done = len(completed)
        except UnreadableMetadata as error:
            ignored = str(error)
        if isinstance(self._observer, ProgressObserver):
            self._observer.metadata_read(self.partition, done=done, ignored=ignored)

    def _distribute(self, record: Record) -> None:
        if self.offsets.done_before(record.offset):
            self.offsets.done(record.offset)
            self._observer.skipped(record, Skipped.DONE)
            return
        if record.value is None and not self._tombstones:
            self.offsets.done(record.offset)
            self._observer.skipped(record, Skipped.TOMBSTONE)
            return
        try:
            key = self._key_of(record)
        except Exception:  # noqa: BLE001 - what can't be read is for the handler to judge
            key = record.key
        lane = self.keys.get(key)
        if lane is None:
            lane = self.keys[key] = KeyLane(key, self, self._handler)
        self._arrived(lane, record)

    async def _restored(self, record: Record) -> bool:
        """Run the restore hook until it works; False if the partition closes first."""
        if self._restore is None:
            return True
        backoff = Backoff(self._options)
        outage = Outage(self._options, backoff, self._observer)
        attempts = 0
        while not self.closed:
            try:
                await call(
                    self._restore,
                    record,
                    timeout=self._options.restore_timeout,
                    grace=self._options.cancel_grace,
                )
            except Unavailable as error:
                if await set_within(self._closing, outage.failed(record, error)):
                    return False
            except Fatal:
                raise
            except Exception as error:
                outage.over()
                attempts += 1
                if attempts >= self._options.transient_attempts:
                    raise RestoreFailed(self.partition, error) from error
                wait = backoff.before_retry(attempts)
                self._observer.retrying(record, attempts=attempts, error=error, wait=wait)
                await set_within(self._closing, wait)
            else:
                outage.over()
                return True
        return False
