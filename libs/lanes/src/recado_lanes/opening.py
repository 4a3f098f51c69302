"""How assigned partitions begin: what is done already is read, then each is opened by itself.

The group does not wait for that: a rebalance ends while it goes on. Without the metadata more is
repeated, and that is all; so whatever prevents its reading is told and stops nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from recado_lanes.errors import Fatal
from recado_lanes.options import LaneOptions
from recado_lanes.partition import PartitionLanes
from recado_lanes.ports import Committed, ConsumerPort, Observer, ProgressObserver
from recado_lanes.record import Partition


class Opening:
    """Opens partitions in tasks of the group that it is given."""

    def __init__(
        self,
        consumer: ConsumerPort,
        options: LaneOptions,
        observer: Observer,
        *,
        opened: Callable[[], None],
        failed: Callable[[Fatal], None],
    ) -> None:
        """`opened` is told each time that something may be started."""
        self._consumer = consumer
        self._options = options
        self._observer = observer
        self._opened = opened
        self._failed = failed
        self._reading: set[asyncio.Task[None]] = set()

    def begin(self, tasks: asyncio.TaskGroup, new: Sequence[PartitionLanes]) -> None:
        """Find out what is done already, then begin. Returns at once."""
        if new:
            task = tasks.create_task(self._read_and_open(tasks, new), name="lanes open")
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    def cancel(self) -> None:
        """Read no more."""
        for task in self._reading:
            task.cancel()

    async def _read_and_open(self, tasks: asyncio.TaskGroup, new: Sequence[PartitionLanes]) -> None:
        committed: Mapping[Partition, Committed] = {}
        try:
            async with asyncio.timeout(self._options.commit_timeout.total_seconds()):
                committed = await self._consumer.committed([lanes.partition for lanes in new])
        except Exception as error:  # noqa: BLE001 - without metadata more is repeated, that is all
            if isinstance(self._observer, ProgressObserver):
                reason = f"it could not be read: {type(error).__name__}"
                for lanes in new:
                    self._observer.metadata_read(lanes.partition, done=0, ignored=reason)
        for lanes in new:
            if not lanes.closed:
                opening = self._open(lanes, committed.get(lanes.partition))
                lanes.opening = tasks.create_task(opening, name=f"open {lanes.partition}")

    async def _open(self, lanes: PartitionLanes, committed: Committed | None) -> None:
        try:
            await lanes.open(committed)
        except Fatal as error:
            self._failed(error)
        self._opened()
