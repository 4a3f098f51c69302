"""When the intake of a partition is paused, and when it goes on.

Two things are bounded. What waits: a partition is paused at its high-water mark, which is no more
than its share of what may wait in the whole process, and goes on at its low-water mark. What must
be remembered: everything done beyond the first gap has to fit into a commit's metadata, or a
restart would repeat it; a partition is paused when three quarters of that are used up.
"""

from typing import Final

from recado_lanes.metadata import encode, encoded_length_at_most
from recado_lanes.options import LaneOptions
from recado_lanes.partition import PartitionLanes
from recado_lanes.ports import ConsumerPort, Observer

BACKLOG: Final = "backlog"
METADATA: Final = "metadata"

USED_UP: Final = 0.75
"""A poll more must still fit when this share of the metadata is used."""


class Intake:
    """Pauses and resumes partitions of a consumer."""

    def __init__(self, consumer: ConsumerPort, options: LaneOptions, observer: Observer) -> None:
        self._consumer = consumer
        self._options = options
        self._observer = observer
        self._high = options.high_water
        self._low = options.low_water
        self._room = int(options.metadata_limit * USED_UP)

    def share(self, partitions: int) -> None:
        """So many partitions share what may wait in the process."""
        options = self._options
        self._high = min(options.high_water, max(options.max_waiting // max(partitions, 1), 1))
        self._low = min(options.low_water, self._high - 1)

    def check(self, lanes: PartitionLanes) -> None:
        """Records came: pause the partition if that is enough."""
        if lanes.waiting >= self._high:
            self._pause(lanes, BACKLOG)
        if self._too_much_to_remember(lanes):
            self._pause(lanes, METADATA)

    def relieve(self, lanes: PartitionLanes) -> None:
        """A record is done: resume the partition if little enough waits."""
        if lanes.waiting <= self._low:
            self._resume(lanes, BACKLOG)

    def recheck(self, lanes: PartitionLanes) -> None:
        """Some time has passed: resume the partition if little enough must be remembered."""
        if not lanes.paused or lanes.closed:
            return
        self.relieve(lanes)
        if not self._too_much_to_remember(lanes):
            self._resume(lanes, METADATA)

    def _too_much_to_remember(self, lanes: PartitionLanes) -> bool:
        if not self._room or encoded_length_at_most(lanes.offsets.span) <= self._room:
            return False
        completed = lanes.offsets.completed()
        return completed is not None and len(encode(completed, limit=1 << 30)) > self._room

    def _pause(self, lanes: PartitionLanes, reason: str) -> None:
        if not lanes.paused:
            self._consumer.pause([lanes.partition])
            self._observer.paused(lanes.partition, waiting=lanes.waiting)
        lanes.paused.add(reason)

    def _resume(self, lanes: PartitionLanes, reason: str) -> None:
        if reason not in lanes.paused:
            return
        lanes.paused.remove(reason)
        if not lanes.paused and not lanes.closed:
            self._consumer.resume([lanes.partition])
            self._observer.resumed(lanes.partition, waiting=lanes.waiting)
