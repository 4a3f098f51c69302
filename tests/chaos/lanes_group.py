"""Consumer processes of one group that are killed, added and stopped, and what they write down."""

import asyncio
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient

from recado_lanes.metadata import decode

WORKER = Path(__file__).with_name("lanes_worker.py")


class Done(NamedTuple):
    """A record that a process was done with."""

    process: int
    key: str
    number: int
    partition: int
    offset: int


@dataclass
class Journal:
    """What all processes wrote to one file, in the order in which they did."""

    path: Path
    assigned: set[int] = field(default_factory=set)
    """Processes that have had partitions."""
    begun: Counter[int] = field(default_factory=Counter)
    """How many records each process began."""
    done: list[Done] = field(default_factory=list)
    _read: int = 0

    def read(self) -> "Journal":
        """Take in what was written since the last time."""
        with self.path.open("rb") as file:
            file.seek(self._read)
            # A line is written at once, but a reader may see half of it.
            new, end, _half = file.read().rpartition(b"\n")
        self._read += len(new) + len(end)
        for process, word, *record in (line.split() for line in new.decode().splitlines()):
            match word:
                case "assigned":
                    self.assigned.add(int(process))
                case "begun":
                    self.begun[int(process)] += 1
                case "done":
                    key, *numbers = record
                    self.done.append(Done(int(process), key, *map(int, numbers)))
        return self

    def handled(self) -> Counter[int]:
        """How often each record was."""
        return Counter(done.number for done in self.done)


class Group:
    """The members of one group, the oldest first, and what they did."""

    def __init__(self, bootstrap: str, topic: str, directory: Path) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._group_id = f"group-{uuid.uuid4().hex[:8]}"
        self._members: list[asyncio.subprocess.Process] = []
        self.journal = Journal(directory / "journal")
        self.in_flight: list[int] = []
        """Records begun and not done, at each kill."""
        self.uncommitted: list[int] = []
        """Records done, but not as far as the group knows, at each kill."""

    async def add(self) -> None:
        with self.journal.path.open("ab") as journal:
            self._members.append(
                await asyncio.create_subprocess_exec(
                    *(sys.executable, WORKER, self._bootstrap, self._topic, self._group_id),
                    stdout=journal,
                )
            )

    async def kill(self) -> None:
        """SIGKILL to the oldest."""
        member = self._members.pop(0)
        assert member.returncode is None, "it has ended by itself"
        member.kill()
        await member.wait()
        journal = self.journal.read()
        done = {(one.partition, one.offset) for one in journal.done if one.process == member.pid}
        self.in_flight.append(journal.begun[member.pid] - len(done))
        self.uncommitted.append(len(done.difference(await self._committed())))

    async def stop(self) -> None:
        """SIGTERM to the oldest, and wait until it has gone."""
        member = self._members.pop(0)
        member.terminate()
        assert await member.wait() == 0

    async def until_assigned(self) -> None:
        """Every member has partitions, or has had some."""
        async with asyncio.timeout(60):
            # They are other processes: there is nothing to be told by.
            while not {member.pid for member in self._members} <= self.journal.read().assigned:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def until_handled(self, records: int) -> None:
        """So many different records are done."""
        async with asyncio.timeout(120):
            while len(self.journal.read().handled()) < records:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.2)

    async def end(self) -> None:
        for member in self._members:
            with suppress(ProcessLookupError):
                member.kill()
            await member.wait()

    async def _committed(self) -> Iterator[tuple[int, int]]:
        """Partition and offset of every record that the group knows to be done."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        try:
            found = await admin.list_consumer_group_offsets(self._group_id)
        finally:
            await admin.close()
        return (
            (place.partition, offset)
            for place, committed in found.items()
            for start, end in (
                (0, committed.offset),
                *(decode(committed.metadata).runs if committed.metadata else ()),
            )
            for offset in range(start, end)
        )
