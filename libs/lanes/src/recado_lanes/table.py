"""The partitions that are worked on, each with what its topic was registered with.

A partition is in the table from its first record or its assignment on, whichever comes first, until
it is given up. Only those that were assigned are ours.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime

from recado_lanes.batch import Batch
from recado_lanes.keylane import KeyLane
from recado_lanes.options import LaneOptions
from recado_lanes.partition import PartitionLanes
from recado_lanes.ports import Observer, PartitionProgress
from recado_lanes.record import Handler, KeyOf, Partition, Record, Restore, record_key
from recado_lanes.startable import Ceiling


class Table:
    """By topic it has handlers, and perhaps restore hooks, keys and ceilings."""

    def __init__(
        self,
        handlers: Mapping[str, Handler | Batch],
        *,
        restore: Mapping[str, Restore],
        keys: Mapping[str, KeyOf],
        ceilings: Mapping[str, int],
        options: LaneOptions,
        observer: Observer,
        arrived: Callable[[KeyLane, Record], None],
    ) -> None:
        """Raises `ValueError` for what has no handler, and for a ceiling below 1."""
        unknown = {*restore, *keys, *ceilings} - set(handlers)
        if unknown:
            raise ValueError(f"hooks, keys or ceilings without a handler: {sorted(unknown)}")
        self._handlers = dict(handlers)
        self._restore = dict(restore)
        self._keys = dict(keys)
        self._ceilings = {topic: Ceiling(limit) for topic, limit in ceilings.items()}
        self._options = options
        self._observer = observer
        self._arrived = arrived
        self._lanes: dict[Partition, PartitionLanes] = {}

    def __len__(self) -> int:
        return len(self._lanes)

    def __iter__(self) -> Iterator[PartitionLanes]:
        return iter(self._lanes.values())

    @property
    def topics(self) -> tuple[str, ...]:
        """Those that have a handler."""
        return tuple(self._handlers)

    @property
    def restores(self) -> bool:
        """Whether any topic has a restore hook."""
        return bool(self._restore)

    def handles(self, topic: str) -> bool:
        """Whether the topic has a handler."""
        return topic in self._handlers

    def lanes_of(self, partition: Partition) -> PartitionLanes:
        """Those of a partition whose topic has a handler; new ones if it has none yet."""
        lanes = self._lanes.get(partition)
        if lanes is None:
            topic = partition.topic
            lanes = self._lanes[partition] = PartitionLanes(
                partition,
                handler=self._handlers[topic],
                key_of=self._keys.get(topic, record_key),
                restore=self._restore.get(topic),
                options=self._options,
                observer=self._observer,
                arrived=self._arrived,
                ceiling=self._ceilings.get(topic),
            )
        return lanes

    def assign(self, partitions: Collection[Partition]) -> list[PartitionLanes]:
        """Those with a handler are ours from now on."""
        ours = [self.lanes_of(p) for p in partitions if self.handles(p.topic)]
        for lanes in ours:
            lanes.assigned = True
        return ours

    def take(self, partitions: Collection[Partition]) -> list[PartitionLanes]:
        """Take these out: nothing finds them any more. Those that are not in it are ignored."""
        return [lanes for p in partitions if (lanes := self._lanes.pop(p, None)) is not None]

    def assigned(self) -> list[PartitionLanes]:
        """Those that are ours."""
        return [lanes for lanes in self._lanes.values() if lanes.assigned]

    def progress(self) -> Mapping[Partition, PartitionProgress]:
        """How far those are that are ours."""
        now = datetime.now(UTC)
        return {lanes.partition: lanes.progress(now) for lanes in self.assigned()}
