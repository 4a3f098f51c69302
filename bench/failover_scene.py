"""A group of two members under steady load, of which one is taken away again and again."""

import asyncio
import sys
import time
import uuid
from collections import Counter, defaultdict
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from aiokafka import AIOKafkaProducer

from bench.lanes_load import PARTITIONS
from bench.lanes_topics import make_topic

KEYS: Final = 600
PER_SECOND: Final = 200
RECENT: Final = 0.7
"""A partition is a member's if it handled a record of it in so many seconds; 23 would have come."""

PATIENCE: Final = 120.0
LOOK: Final = 0.02


@dataclass(frozen=True, slots=True)
class Took:
    """A round, in seconds from the signal on."""

    first: float
    last: float
    stood_still: float


@dataclass(frozen=True, slots=True)
class Done:
    """A record that a member has handled."""

    at: float
    partition: int
    number: int


class Member:
    """A member's process, and what it has handled."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.done: list[Done] = []
        self._log = log
        self._read = 0

    def look(self) -> list[Done]:
        """All that it has handled by now."""
        if self._log.exists():
            with self._log.open("rb") as log:
                log.seek(self._read)
                lines, end, _ = log.read().rpartition(b"\n")
            self._read += len(lines) + len(end)
            for line in lines.splitlines():
                at, partition, number = line.split()
                self.done.append(Done(float(at), int(partition), int(number)))
        return self.done

    def has(self) -> set[int]:
        """The partitions that it works on."""
        since = time.monotonic() - RECENT
        return {one.partition for one in self.look() if one.at > since}


class Scene:
    """The group; inside `async with` it is under load."""

    def __init__(self, bootstrap: str, session: float, directory: Path) -> None:
        self.written = self.lost = self.twice = 0
        self._bootstrap = bootstrap
        self._session = session
        self._directory = directory
        self._group = f"failover-{uuid.uuid4().hex[:8]}"
        self._topic = ""
        self._members: list[Member] = []
        self._gone: list[Member] = []
        self._load: asyncio.Task[None] | None = None
        self._parts = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Both members work."""
        self._topic = await make_topic(self._bootstrap, "failover")
        self._load = asyncio.create_task(self._write(), name="load")
        self._parts.push_async_callback(self._end)
        for _ in range(2):
            await self._join()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the load and the members."""
        await self._parts.aclose()

    async def round(self, way: Literal["kill", "stop"], steady: float) -> Took:
        """Take the older member away once both have worked for so many seconds."""
        await self._both_work()
        await asyncio.sleep(steady)
        leaver, heir = self._members
        had, kept = leaver.has(), heir.has()
        began = time.monotonic()
        if way == "kill":
            leaver.process.kill()
        else:
            leaver.process.terminate()
        first: dict[int, float] = {}
        async with asyncio.timeout(PATIENCE):
            while len(first) < len(had):
                await asyncio.sleep(LOOK)
                for one in heir.look():
                    if one.at > began and one.partition in had:
                        first.setdefault(one.partition, one.at - began)
            await leaver.process.wait()
        end = began + max(first.values())
        took = Took(min(first.values()), max(first.values()), _longest(heir, kept, began, end))
        self._members.remove(leaver)
        self._gone.append(leaver)
        await self._join()
        return took

    async def settle(self) -> None:
        """End the load, wait until all is handled, count."""
        await self._both_work()
        await self._stop_load()
        with suppress(TimeoutError):  # what is lost is counted below
            async with asyncio.timeout(PATIENCE):
                while len(self._counted()) < self.written:  # noqa: ASYNC110 - other processes
                    await asyncio.sleep(LOOK * 10)
        counted = self._counted()
        self.lost = self.written - len(counted)
        self.twice = counted.total() - len(counted)

    def _counted(self) -> Counter[int]:
        members = (*self._gone, *self._members)
        return Counter(one.number for member in members for one in member.look())

    async def _join(self) -> None:
        log = self._directory / f"{self._group}-{uuid.uuid4().hex[:8]}"
        arguments = [self._bootstrap, self._topic, self._group, str(self._session), str(log)]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.failover_member", *arguments)
        )
        self._members.append(Member(process, log))

    async def _both_work(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                one, other = (member.has() for member in self._members)
                if one and other and not one & other and len(one | other) == PARTITIONS:
                    return
                self._all_alive()
                await asyncio.sleep(LOOK * 5)

    def _all_alive(self) -> None:
        if self._load is not None and self._load.done():
            self._load.result()
        for member in self._members:
            if member.process.returncode is not None:
                raise RuntimeError(f"a member ended with status {member.process.returncode}")

    async def _write(self) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all") as producer:
            began = time.monotonic()
            while True:
                key = b"customer-%d" % (self.written % KEYS)
                await producer.send(self._topic, b"%d" % self.written, key=key)
                self.written += 1
                due = began + self.written / PER_SECOND
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _stop_load(self) -> None:
        if self._load is not None:
            self._load.cancel()
            await asyncio.wait([self._load])

    async def _end(self) -> None:
        await self._stop_load()
        for member in self._members:
            if member.process.returncode is None:
                member.process.kill()
            await member.process.wait()


def _longest(member: Member, partitions: set[int], began: float, end: float) -> float:
    """The longest time in which a partition of the member's own got nothing done."""
    times: dict[int, list[float]] = defaultdict(list)
    for one in member.done:
        if one.partition in partitions and began - RECENT < one.at < end + RECENT:
            times[one.partition].append(one.at)
    gaps = [after - before for done in times.values() for before, after in pairwise(done)]
    return max(gaps, default=end - began)
