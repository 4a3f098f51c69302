"""Whatever happens in whatever order: nothing is lost, and each key stays in order."""

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from recado_lanes import Partition, Permanent, Record, Transient, Unavailable
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
FAILURES = st.lists(st.sampled_from(["", "", "", "transient", "unavailable", "bug"]), max_size=40)


class History:
    """Members come, go and crash while records of five keys are handled."""

    def __init__(self, bench: Bench, failures: list[str]) -> None:
        self.bench = bench
        self.failures = failures
        self.written = 0
        self.done: dict[Partition, set[int]] = defaultdict(set)
        self.order: dict[bytes, list[int]] = defaultdict(list)
        self.working: set[bytes] = set()
        self.wrong: list[str] = []

    async def handle(self, record: Record) -> None:
        assert record.key is not None
        if record.key in self.working:
            self.wrong.append(f"two at once: {record.position}")
        self.working.add(record.key)
        try:
            await asyncio.sleep(0)
            match self.failures.pop() if self.failures else "":
                case "transient":
                    raise Transient("busy")
                case "unavailable":
                    raise Unavailable("down")
                case "bug":
                    raise KeyError
            if record.value == b"bad":
                self.done[record.source].add(record.offset)
                raise Permanent("bad")
            self.done[record.source].add(record.offset)
            self.order[record.key].append(record.offset)
        finally:
            self.working.discard(record.key)

    async def member(self) -> FakeConsumer:
        return await self.bench.add(
            self.handle,
            high_water=6,
            low_water=2,
            transient_attempts=100,
            bug_attempts=100,
            commit_interval=timedelta(milliseconds=1),
        )

    def check_commits(self) -> None:
        for partition, offset in self.bench.kafka.committed.items():
            for record in self.bench.kafka.logs[partition]:
                if record.offset < offset and record.offset not in self.done[partition]:
                    self.wrong.append(f"committed but not done: {record.position}")

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


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEPS, max_size=25), failures=FAILURES)
def test_whatever_happens_nothing_is_lost_and_keys_stay_in_order(
    steps: list[tuple[str, int]], failures: list[str]
) -> None:
    async def play() -> None:
        async with AsyncExitStack() as stack:
            history = History(Bench(stack), failures)
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
