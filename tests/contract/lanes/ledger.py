"""A handler that keeps account of what it did, and records for it."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from recado_lanes import Record

from .world import World

Promise = Callable[[World], Awaitable[None]]


class Ledger:
    """A handler that notes what it did, and whether a key was ever in two places."""

    def __init__(self, pace: float = 0.0) -> None:
        self.pace = pace
        self.held: set[tuple[int, int]] = set()
        """Partition and offset of the records that wait for `open`."""
        self.open = asyncio.Event()
        self.begun: list[tuple[int, int]] = []
        self.done: list[tuple[int, int]] = []
        self.of_key: dict[bytes | None, list[tuple[int, int]]] = defaultdict(list)
        self.working: set[bytes | None] = set()
        self.overlaps = 0
        self.most = 0

    async def __call__(self, record: Record) -> None:
        await self.together([record])

    async def together(self, records: Sequence[Record]) -> None:
        places = [(record.partition, record.offset) for record in records]
        key = records[0].key
        self.overlaps += key in self.working
        self.working.add(key)
        self.most = max(self.most, len(self.working))
        self.begun.extend(places)
        try:
            await asyncio.sleep(self.pace)
            if self.held.intersection(places):
                await self.open.wait()
            self.done.extend(places)
            self.of_key[key].extend(places)
        finally:
            self.working.discard(key)


async def write(world: World, count: int, *, keys: int) -> set[tuple[int, int]]:
    """So many records, those of a key in one partition; their places."""
    offsets = [0, 0]
    places = set()
    for n in range(count):
        key = n % keys
        partition = key % 2
        await world.write(b"%d" % n, key=b"k%d" % key, partition=partition)
        places.add((partition, offsets[partition]))
        offsets[partition] += 1
    return places
