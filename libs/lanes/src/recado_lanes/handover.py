"""Giving partitions up: what belongs to an old assignment never reaches a new one.

What it promises:

- An assignment is an epoch. What was polled before a partition was given up is stale from that
  moment on, before anything is drained.
- A partition that is given up is out of the table first: the timer does not commit what is being
  drained, and records of a later assignment do not meet it.
- It begins nothing more, drains within the budget, is cancelled beyond it, and is committed before
  `revoke` returns; when it was lost, it is cancelled at once and nothing is committed.
- A handler that ignores its cancellation is reported, not waited for.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import timedelta
from typing import Final

from recado_lanes.committing import Committer
from recado_lanes.errors import Fatal, HandlerStuck
from recado_lanes.intake import Intake
from recado_lanes.options import LaneOptions
from recado_lanes.partition import PartitionLanes
from recado_lanes.ports import ConsumerPort, Observer
from recado_lanes.record import Partition
from recado_lanes.slots import Slots
from recado_lanes.table import Table

AT_ONCE: Final = timedelta(0)


class HandOver:
    """One consumer's. `lock` is held while partitions come or go."""

    def __init__(
        self,
        table: Table,
        slots: Slots,
        intake: Intake,
        committer: Committer,
        consumer: ConsumerPort,
        options: LaneOptions,
        observer: Observer,
        *,
        failed: Callable[[Fatal], None],
    ) -> None:
        self._table = table
        self._slots = slots
        self._intake = intake
        self._committer = committer
        self._consumer = consumer
        self._options = options
        self._observer = observer
        self._failed = failed
        self._revoked_in: dict[Partition, int] = {}
        self._at_once = asyncio.Event()
        self.epoch = 0
        """Grows with every revocation."""
        self.lock = asyncio.Lock()

    def fence(self, partitions: Collection[Partition]) -> None:
        """From here on, what was polled of these before is stale."""
        self.epoch += 1
        for partition in partitions:
            self._revoked_in[partition] = self.epoch

    def is_stale(self, partition: Partition, polled: int) -> bool:
        """Whether the partition was given up after this epoch."""
        return polled < self._revoked_in.get(partition, 0)

    def hurry(self) -> None:
        """Drain no more: cancel what is in work, now and whenever something is given up."""
        self._at_once.set()

    async def revoke(self, partitions: Collection[Partition], *, lost: bool = False) -> None:
        """The group takes these: drain within the budget, commit, forget."""
        self.fence(partitions)
        async with self.lock:
            await self._give_up(partitions, lost=lost)

    async def give_back(self) -> None:
        """Take no more records, and give up all there is."""
        partitions = [lanes.partition for lanes in self._table]
        async with self.lock:
            self._consumer.pause(partitions)
            await self._give_up(partitions)

    async def _give_up(self, partitions: Collection[Partition], *, lost: bool = False) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        leaving = self._table.take(partitions)
        if not leaving:
            return
        self._intake.share(len(self._table))
        await self._drain(leaving, AT_ONCE if lost else self._options.drain_budget)
        if not lost:
            await self._committer.commit(leaving)
        self._observer.revoked(
            [lanes.partition for lanes in leaving],
            unfinished=sum(lanes.offsets.unfinished for lanes in leaving),
            took=timedelta(seconds=loop.time() - began),
        )

    async def _drain(self, leaving: Collection[PartitionLanes], budget: timedelta) -> None:
        """Begin nothing more in these; give what is in work that long to end, then cancel it.

        On return nothing is worked on, but for handlers that ignore their cancellation: then
        these lanes have failed.
        """
        self._slots.close(leaving)
        ending: asyncio.Future[object] = asyncio.ensure_future(_all_ended(leaving))
        hurried: asyncio.Future[object] = asyncio.ensure_future(self._at_once.wait())
        try:
            await asyncio.wait(
                {ending, hurried},
                timeout=budget.total_seconds(),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if ending.done():
                return
            self._slots.cut(leaving)
            for lanes in leaving:
                if lanes.opening is not None:
                    lanes.opening.cancel()
            # A restore's own cancellation waits for its hook's for the grace; a little more.
            grace = self._options.cancel_grace.total_seconds()
            await asyncio.wait({ending}, timeout=grace + (1 if self._table.restores else 0))
            for lane in self._slots.stuck(leaving):
                self._failed(HandlerStuck(lane.work[0]))
        finally:
            hurried.cancel()
            ending.cancel()
            with suppress(asyncio.CancelledError):
                await ending


async def _all_ended(leaving: Collection[PartitionLanes]) -> None:
    for lanes in leaving:
        await lanes.ended()
