"""When what is done is committed: on a timer, earlier when much is done, and before giving back.

One commit at a time, of what is settled when it begins: what is done meanwhile is in the next one.
What the group does not acknowledge is not recorded as committed, and is sent again.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from recado_lanes.errors import CommitRejected, ConsumerFailed, Fatal
from recado_lanes.offsets import Commit
from recado_lanes.options import LaneOptions
from recado_lanes.partition import PartitionLanes
from recado_lanes.ports import ConsumerPort, Observer
from recado_lanes.record import Partition

MOST_OFTEN: Final = 20
"""So many commits at most in a commit interval."""


class Committer:
    """Commits for one consumer. What can't pass is told to `failed`."""

    def __init__(
        self,
        consumer: ConsumerPort,
        options: LaneOptions,
        observer: Observer,
        *,
        failed: Callable[[Fatal], None],
    ) -> None:
        self._consumer = consumer
        self._options = options
        self._observer = observer
        self._failed = failed
        self._one_at_a_time = asyncio.Lock()
        self._done = 0
        self._enough = asyncio.Event()

    def done_one(self) -> None:
        """Something more may be done since the last commit."""
        self._done += 1
        if self._done >= self._options.commit_after:
            self._enough.set()

    async def run(
        self,
        ours: Callable[[], Sequence[PartitionLanes]],
        after: Callable[[Sequence[PartitionLanes]], None],
    ) -> None:
        """Commit again and again, until cancelled; `after` each time, with those it was for."""
        interval = self._options.commit_interval.total_seconds()
        shortest = interval / MOST_OFTEN
        while True:
            await asyncio.sleep(shortest)
            with suppress(TimeoutError):
                async with asyncio.timeout(interval - shortest):
                    await self._enough.wait()
            self._enough.clear()
            self._done = 0
            partitions = ours()
            await self.commit(partitions)
            after(partitions)

    async def commit(self, partitions: Sequence[PartitionLanes]) -> None:
        """Commit what is done in these, once."""
        async with self._one_at_a_time:
            commits: dict[Partition, Commit] = {}
            for lanes in partitions:
                commit = lanes.offsets.to_commit(limit=self._options.metadata_limit)
                if commit is not None:
                    commits[lanes.partition] = commit
            if commits and await self._send(commits):
                for lanes in partitions:
                    if lanes.partition in commits:
                        lanes.offsets.committed(commits[lanes.partition])

    async def _send(self, commits: dict[Partition, Commit]) -> bool:
        """Whether the group has acknowledged all of them."""
        offsets = {partition: commit.offset for partition, commit in commits.items()}
        metadata = {p: commit.metadata for p, commit in commits.items() if commit.metadata}
        try:
            async with asyncio.timeout(self._options.commit_timeout.total_seconds()):
                await self._consumer.commit(offsets, metadata)
        except CommitRejected as error:
            self._observer.commit_rejected(offsets, error)
        except TimeoutError:
            self._observer.commit_rejected(offsets, CommitRejected("no answer in time"))
        except Fatal as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001 - `Lanes.run` raises it
            failure = ConsumerFailed(f"commit failed: {type(error).__name__}")
            failure.__cause__ = error
            self._failed(failure)
        else:
            self._observer.committed(offsets)
            return True
        return False
