"""Whatever happens in whatever order.

Nothing is lost, each key stays in order and is in one place at a time, no commit (its metadata
included) claims what is not done, and what a commit claims is not handled again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from recado_lanes import Batch, Partition, Permanent, Record, Transient, Unavailable
from recado_lanes.metadata import decode
from recado_lanes.testing import FakeConsumer

from .conftest import Bench

STEPS = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 8)),
    st.tuples(st.just("poll"), st.integers(1, 5)),
    st.tuples(st.just("work"), st.integers(1, 30)),
    st.tuples(st.just("pause"), st.just(0)),
    st.tuples(st.just("reject"), st.integers(1, 3)),
    st.tuples(st.just("rebalance"), st.just(0)),
    st.tuples(st.just("join"), st.just(0)),
    st.tuples(st.just("leave"), st.just(0)),
    st.tuples(st.just("crash"), st.just(0)),
    st.tuples(st.just("late poll"), st.integers(1, 5)),
)
FAILURES = st.lists(
    st.sampled_from(["", "", "slow", "slow", "transient", "unavailable", "only this", "bug"]),
    max_size=60,
)
OPTIONS = st.fixed_dictionaries(
    {
        "concurrency": st.integers(1, 8),
        "metadata_limit": st.sampled_from([0, 64, 4096]),
        "commit_after": st.sampled_from([1, 200]),
        "drain_budget": st.sampled_from([timedelta(0), timedelta(seconds=5)]),
    }
)


class History:
    """Members come, go and crash while records of five keys are handled."""

    def __init__(
        self, bench: Bench, failures: list[str], options: dict[str, object], *, batches: bool
    ) -> None:
        self.bench = bench
        self.failures = failures
        self.options = options
        self.batches = batches
        self.written = 0
        self.done: dict[Partition, set[int]] = defaultdict(set)
        self.order: dict[bytes, list[int]] = defaultdict(list)
        self.working: set[bytes] = set()
        self.wrong: list[str] = []

    def claimed(self, partition: Partition) -> set[int]:
        """What the group has committed as done."""
        kafka = self.bench.kafka
        offset, text = kafka.committed.get(partition, 0), kafka.metadata.get(partition)
        runs = decode(text).runs if text else ()
        return {
            record.offset
            for record in kafka.logs[partition]
            if record.offset < offset or any(s <= record.offset < e for s, e in runs)
        }

    async def handle(self, record: Record) -> None:
        await self.handle_batch([record])

    async def handle_batch(self, records: Sequence[Record]) -> None:
        key = records[0].key
        assert key is not None
        if key in self.working:
            self.wrong.append(f"two at once: {records[0].position}")
        for record in records:
            if record.offset in self.claimed(record.source):
                self.wrong.append(f"done already: {record.position}")
        self.working.add(key)
        try:
            await asyncio.sleep(0)
            match self.failures.pop() if self.failures else "":
                case "slow":
                    await asyncio.sleep(0.002)
                case "transient":
                    raise Transient("busy")
                case "unavailable":
                    raise Unavailable("down")
                case "only this":
                    raise Unavailable("down", only_key=True)
                case "bug":
                    raise KeyError
            if len(records) == 1 and records[0].value == b"bad":
                self.done[records[0].source].add(records[0].offset)
            if any(record.value == b"bad" for record in records):
                raise Permanent("bad")
            for record in records:
                self.done[record.source].add(record.offset)
                self.order[key].append(record.offset)
        finally:
            self.working.discard(key)

    async def member(self) -> FakeConsumer:
        options: dict[str, object] = {
            "high_water": 6,
            "low_water": 2,
            "transient_attempts": 100,
            "bug_attempts": 100,
            "commit_interval": timedelta(milliseconds=1),
        } | self.options
        handler = Batch(self.handle_batch, max_records=3) if self.batches else self.handle
        return await self.bench.add(handler, **options)  # type: ignore[arg-type]  # of LaneOptions

    def check_commits(self) -> None:
        for partition in self.bench.kafka.logs:
            for offset in self.claimed(partition) - self.done[partition]:
                self.wrong.append(f"committed but not done: {partition}@{offset}")

    async def step(self, name: str, amount: int) -> None:
        kafka = self.bench.kafka
        members = kafka.members
        match name:
            case "write":
                for _ in range(amount):
                    customer = self.written % 5
                    value = b"bad" if self.written % 11 == 10 else b"good"
                    kafka.append(
                        "letters",
                        value,
                        key=b"%d" % customer,
                        partition=customer % 2,
                        skip=self.written % 4 // 3,
                    )
                    self.written += 1
            case "poll":
                for member in members:
                    await member.poll(amount)
            case "work":
                for _ in range(amount):
                    await asyncio.sleep(0)
            case "pause":
                await asyncio.sleep(0.002)
            case "reject" if members:
                members[0].reject_commits = amount
            case "rebalance":
                await kafka.rebalance()
            case "join" if len(members) < 3:
                await self.member()
            case "leave" if len(members) > 1 and members[0].lanes is not None:
                leaver = members[0]
                await leaver.lanes.stop()  # type: ignore[union-attr]  # looked at just above
                await kafka.leave(leaver)
            case "crash" if members:
                await self.bench.crash(members[0])
                await kafka.rebalance()
            case "late poll" if members and members[0].lanes is not None:
                lanes = members[0].lanes
                records, epoch = members[0].fetch(amount), lanes.epoch
                await kafka.rebalance()
                await lanes.submit(records, epoch=epoch)
        self.check_commits()


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(STEPS, max_size=25), failures=FAILURES, options=OPTIONS, batches=st.booleans()
)
def test_whatever_happens_nothing_is_lost_and_keys_stay_in_order(
    steps: list[tuple[str, int]],
    failures: list[str],
    options: dict[str, object],
    batches: bool,
) -> None:
    async def play() -> None:
        async with AsyncExitStack() as stack:
            history = History(Bench(stack), failures, options, batches=batches)
            await history.member()
            for name, amount in steps:
                await history.step(name, amount)
            kafka = history.bench.kafka
            if not kafka.members:
                await history.member()
            await history.bench.settle(*kafka.members)
            history.check_commits()
            assert history.wrong == []
            for partition, log in kafka.logs.items():
                assert history.done[partition] == {record.offset for record in log}
            for offsets in history.order.values():
                # A repeat may go back, but then nothing between is left out.
                firsts = list(dict.fromkeys(offsets))
                assert firsts == sorted(firsts)

    asyncio.run(play())
