"""One group with one topic: what the promises are played on, and how they look at it."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from recado_lanes import (
    Batch,
    CommitRejected,
    Committed,
    Handler,
    LaneOptions,
    Lanes,
    Partition,
    Restore,
)
from recado_lanes.metadata import UnreadableMetadata, decode
from recado_lanes.testing import FakeDeadLetters

PARTITIONS = 2

OPTIONS = LaneOptions(
    service="contract",
    commit_interval=timedelta(milliseconds=20),
    drain_budget=timedelta(seconds=5),
    cancel_grace=timedelta(seconds=1),
    backoff_initial=timedelta(milliseconds=5),
    backoff_max=timedelta(milliseconds=10),
    probe_initial=timedelta(milliseconds=5),
    probe_max=timedelta(milliseconds=20),
)


class Member(Protocol):
    """One consumer of the group."""

    lanes: Lanes

    async def stop(self) -> None:
        """Leave in good order."""
        ...

    async def crash(self) -> None:
        """Be gone: nothing is drained, nothing committed."""
        ...


class World(Protocol):
    """What a promise is played on. Members that still run end with it."""

    topic: str
    dead_letters: FakeDeadLetters
    patience: float
    """Seconds that `until` waits."""

    async def write(self, value: bytes | None, *, key: bytes, partition: int = 0) -> None:
        """A record more."""
        ...

    async def member(
        self,
        handler: Handler | Batch,
        *,
        ceiling: int | None = None,
        restore: Restore | None = None,
        **options: object,
    ) -> Member:
        """A member more; options are of `LaneOptions`. Polls take few records at a time."""
        ...

    async def committed(self) -> Mapping[Partition, Committed]:
        """What the group has committed."""
        ...

    async def commit(self, partition: int, committed: Committed) -> None:
        """Commit in the place of a group that has no members."""
        ...


async def until(world: World, condition: Callable[[], bool]) -> None:
    """Wait until it holds. Raises `TimeoutError`."""
    async with asyncio.timeout(world.patience):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


async def claimed(world: World, partition: int = 0) -> set[int]:
    """The offsets beyond the committed one that are committed as done."""
    committed = (await world.committed()).get(Partition(world.topic, partition))
    with suppress(UnreadableMetadata):
        if committed is not None and committed.metadata:
            runs = decode(committed.metadata).runs
            return {offset for start, end in runs for offset in range(start, end)}
    return set()


def reject_commits(lanes: Lanes, times: int) -> None:
    """The group takes so many of the next commits no more, as in mid-rebalance."""
    port = lanes._committer._consumer
    commit, left = port.commit, times

    async def rejecting(
        offsets: Mapping[Partition, int], metadata: Mapping[Partition, str] | None = None
    ) -> None:
        nonlocal left
        if left > 0:
            left -= 1
            raise CommitRejected("told to")
        await commit(offsets, metadata)

    port.commit = rejecting  # type: ignore[method-assign]  # the port stays the real one
