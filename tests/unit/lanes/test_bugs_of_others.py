"""Bugs that other libraries of this kind have had, each of which would lose or repeat records."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from recado_lanes import HandlerStuck, Partition, Record
from recado_lanes.testing import FakeConsumer, poll_until

from .conftest import ZERO, Bench

ONE = Partition("letters", 1)


class Gate:
    """A handler that lets through only some offsets until it is opened."""

    def __init__(self, *held: int) -> None:
        self.held = set(held)
        self.open = asyncio.Event()
        self.begun: list[int] = []
        self.done: list[int] = []

    async def __call__(self, record: Record) -> None:
        self.begun.append(record.offset)
        if record.offset in self.held:
            await self.open.wait()
        self.done.append(record.offset)


def write(bench: Bench, count: int) -> None:
    for n in range(count):
        bench.kafka.append("letters", b"a", key=b"%d" % n)


async def test_a_commit_rejected_in_mid_rebalance_does_not_end_the_consumer(bench: Bench) -> None:
    """On revocation, where the group may have gone on already; polling and handling go on."""
    gate = Gate()
    consumer = await bench.add(gate, commit_interval=timedelta(hours=1))
    write(bench, 3)
    await poll_until(lambda: len(gate.done) == 3, consumer)
    consumer.reject_commits = 1
    await bench.kafka.rebalance()
    assert bench.kafka.committed == {}
    await poll_until(lambda: len(gate.done) == 6, consumer)
    assert not bench.watcher.failures


async def test_a_draining_consumer_goes_on_polling_and_begins_nothing_new(bench: Bench) -> None:
    """Or the group expels it before it is done."""
    gate = Gate(0)
    consumer = await bench.add(gate)
    assert consumer.lanes is not None
    write(bench, 1)
    await poll_until(lambda: gate.begun == [0], consumer)
    stopping = asyncio.create_task(consumer.lanes.stop())
    await asyncio.sleep(0)
    write(bench, 3)
    for _ in range(5):
        await consumer.poll()
        await asyncio.sleep(0.001)
    assert gate.begun == [0]
    gate.open.set()
    await stopping
    assert bench.kafka.committed == {ZERO: 1}


async def test_what_is_done_while_a_commit_is_under_way_is_in_the_next_one(bench: Bench) -> None:
    """What is committed is settled once: not looked up again when the answer comes."""
    gate = Gate(1)
    consumer = await bench.add(gate)
    commit, entered, go_on = consumer.commit, asyncio.Event(), asyncio.Event()

    async def slow(
        offsets: Mapping[Partition, int], metadata: Mapping[Partition, str] | None = None
    ) -> None:
        entered.set()
        await go_on.wait()
        await commit(offsets, metadata)

    consumer.commit = slow  # type: ignore[method-assign]  # a broker that takes its time
    write(bench, 2)
    await poll_until(entered.is_set, consumer)
    gate.open.set()
    await poll_until(lambda: len(gate.done) == 2)
    go_on.set()
    await bench.settle(consumer)
    assert [offsets[ZERO] for offsets in bench.kafka.commits] == [1, 2]


async def test_a_rejected_commit_leaves_what_it_contained_to_be_committed(bench: Bench) -> None:
    gate = Gate(0)
    consumer = await bench.add(gate)
    consumer.reject_commits = 2
    write(bench, 5)
    await poll_until(lambda: bench.done_in_metadata(ZERO) == 4, consumer)
    assert len(bench.watcher.rejected) == 2


async def test_a_redelivered_offset_is_handled_although_its_former_entry_is_in_flight(
    bench: Bench,
) -> None:
    """The old one's late end says nothing about the new one."""
    gate = Gate(0)
    consumer = await bench.add(gate, drain_budget=timedelta(0))
    write(bench, 1)
    await poll_until(lambda: gate.begun == [0], consumer)
    await bench.kafka.rebalance()
    await poll_until(lambda: gate.begun == [0, 0], consumer)
    assert bench.kafka.committed == {}
    gate.open.set()
    await bench.settle(consumer)
    assert gate.done == [0]


async def test_an_exception_leaves_no_gap_that_stops_commits_for_ever(bench: Bench) -> None:
    async def handler(record: Record) -> None:
        if record.offset % 2:
            raise KeyError("a bug")

    consumer = await bench.add(handler, bug_attempts=2, dead_letters_in_a_row=1000)
    write(bench, 20)
    await bench.settle(consumer)
    assert len(bench.dead_letters.letters) == 10


async def test_an_empty_set_of_partitions_means_none(bench: Bench) -> None:
    """Not all: neither assigned, nor revoked, nor paused."""
    gate = Gate(0)
    consumer = await bench.add(gate)
    assert consumer.lanes is not None
    write(bench, 1)
    await poll_until(lambda: gate.begun == [0], consumer)
    await consumer.lanes.on_revoked([])
    await consumer.lanes.on_lost([])
    await consumer.lanes.on_assigned([])
    assert consumer.lanes.assignment == {ZERO, ONE}
    gate.open.set()
    await bench.settle(consumer)
    assert gate.begun == [0]


async def test_a_handler_that_outlives_its_revocation_ends_the_consumer(bench: Bench) -> None:
    """Or it would be in two places when its record is delivered again."""
    release = asyncio.Event()

    async def stubborn(record: Record) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    consumer = await bench.add(
        stubborn, drain_budget=timedelta(0), cancel_grace=timedelta(milliseconds=20)
    )
    write(bench, 1)
    await poll_until(lambda: consumer.lanes is not None and in_flight(consumer) == 1, consumer)
    await bench.kafka.rebalance()
    await consumer.poll()
    with pytest.raises(HandlerStuck):
        await bench.ended(consumer)
    assert bench.kafka.committed == {}
    release.set()


async def test_who_is_in_a_hurry_waits_for_nothing_and_commits_what_is_done(bench: Bench) -> None:
    """A second signal: work in progress is cancelled at once."""
    gate = Gate(2)
    consumer = await bench.add(
        gate, drain_budget=timedelta(hours=1), commit_interval=timedelta(hours=1)
    )
    assert consumer.lanes is not None
    write(bench, 5)
    await poll_until(lambda: len(gate.done) == 4, consumer)
    stopping = asyncio.create_task(consumer.lanes.stop())
    await asyncio.sleep(0.01)
    assert not stopping.done()
    consumer.lanes.hurry()
    await asyncio.wait_for(stopping, 5)
    assert bench.kafka.committed == {ZERO: 2}
    assert bench.done_in_metadata(ZERO) == 2


def in_flight(consumer: FakeConsumer) -> int:
    assert consumer.lanes is not None
    return consumer.lanes.progress().in_flight
