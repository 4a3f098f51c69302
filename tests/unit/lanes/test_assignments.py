"""Partitions come, are given away in good order, and come back."""

import asyncio
from collections import defaultdict
from datetime import timedelta

import pytest

from recado_lanes import LaneOptions, Lanes, Record, Skipped, Transient, Unavailable
from recado_lanes.testing import FakeConsumer, FakeDeadLetters, poll_until

from .conftest import ZERO, Bench, Gate


async def test_work_in_progress_is_drained_and_committed_before_a_partition_is_given_away(
    bench: Bench,
) -> None:
    gate = Gate()
    consumer = await bench.add(gate, commit_interval=timedelta(hours=1))
    for _ in range(3):
        bench.kafka.append("letters", b"a")
    await poll_until(lambda: gate.begun == [0], consumer)
    revoking = asyncio.create_task(consumer.revoke())
    await asyncio.sleep(0.01)
    assert not revoking.done()
    gate.open.set()
    await revoking
    assert gate.ended == [0], "no further record is begun"
    assert bench.kafka.committed == {ZERO: 1}


async def test_work_that_outlasts_the_budget_is_cancelled_and_not_committed(
    bench: Bench,
) -> None:
    gate = Gate()
    consumer = await bench.add(gate, drain_budget=timedelta(milliseconds=10))
    bench.kafka.append("letters", b"a")
    await poll_until(lambda: gate.begun == [0], consumer)
    await consumer.revoke()
    assert gate.cancelled == [0]
    assert bench.kafka.committed == {}


@pytest.mark.parametrize(
    "error", [Unavailable("down"), Transient("busy", retry_after=timedelta(minutes=1))]
)
async def test_a_wait_to_try_again_does_not_hold_up_a_revocation(
    bench: Bench, error: Exception
) -> None:
    async def handler(record: Record) -> None:
        raise error

    hour = timedelta(hours=1)
    consumer = await bench.add(handler, probe_initial=hour, probe_max=hour, drain_budget=hour)
    bench.kafka.append("letters", b"a")
    await poll_until(lambda: len(bench.watcher.events) == 1, consumer)
    async with asyncio.timeout(5):
        await consumer.revoke()
    assert bench.kafka.committed == {}


async def test_a_redelivered_offset_meets_nothing_of_its_former_assignment(bench: Bench) -> None:
    gate = Gate()
    consumer = await bench.add(gate, drain_budget=timedelta(milliseconds=5))
    for _ in range(3):
        bench.kafka.append("letters", b"a")
    await poll_until(lambda: gate.begun == [0], consumer)
    await bench.kafka.rebalance()
    gate.open.set()
    await bench.settle(consumer)
    assert gate.begun == [0, 0, 1, 2]
    assert gate.ended == [0, 1, 2]


async def test_records_polled_before_a_rebalance_are_dropped_after_it(bench: Bench) -> None:
    """Otherwise they would come before older ones, which would be committed unhandled."""
    seen: list[int] = []

    async def handler(record: Record) -> None:
        seen.append(record.offset)

    consumer = await bench.add(handler)
    assert consumer.lanes is not None
    for _ in range(4):
        bench.kafka.append("letters", b"a")
    consumer.fetch(2)
    stale, epoch = consumer.fetch(2), consumer.lanes.epoch
    await bench.kafka.rebalance()
    await consumer.lanes.submit(stale, epoch=epoch)
    assert bench.watcher.skips == [Skipped.STALE] * 2
    await bench.settle(consumer)
    assert seen == [0, 1, 2, 3]


async def test_records_that_come_before_their_assignment_is_announced_are_not_lost(
    bench: Bench,
) -> None:
    seen: list[int] = []

    async def handler(record: Record) -> None:
        seen.append(record.offset)

    consumer = await bench.add(handler, join=False)
    assert consumer.lanes is not None
    records = [bench.kafka.append("letters", b"a") for _ in range(2)]
    await consumer.lanes.submit(records, epoch=consumer.lanes.epoch)
    await asyncio.sleep(0.01)
    assert seen == [], "but they wait for it"
    await consumer.lanes.on_assigned([ZERO])
    await poll_until(lambda: seen == [0, 1])


async def test_records_that_come_before_the_lanes_run_wait_for_their_assignment(
    bench: Bench,
) -> None:
    gate = Gate()
    consumer = FakeConsumer(bench.kafka)
    lanes = Lanes(
        handlers={"letters": gate},
        consumer=consumer,
        dead_letters=FakeDeadLetters(),
        options=LaneOptions(service="tests"),
    )
    await lanes.submit([bench.kafka.append("letters", b"a")])
    async with lanes:
        await asyncio.sleep(0.01)
        assert gate.begun == []
        await lanes.on_assigned([ZERO])
        await poll_until(lambda: gate.begun == [0])
        gate.open.set()


async def test_an_empty_revocation_revokes_nothing(bench: Bench) -> None:
    seen: list[int] = []

    async def handler(record: Record) -> None:
        seen.append(record.offset)

    consumer = await bench.add(handler)
    assert consumer.lanes is not None
    await consumer.lanes.on_revoked([])
    assert consumer.lanes.assignment == set(bench.kafka.logs)
    bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    assert seen == [0]


async def test_order_per_key_and_completeness_survive_members_coming_and_going(
    bench: Bench,
) -> None:
    """Two members join and leave; repeats are allowed, going back past a repeat is not."""
    runs: dict[bytes, list[int]] = defaultdict(list)
    working: set[bytes] = set()

    async def handler(record: Record) -> None:
        assert record.key is not None
        assert record.key not in working, "one at a time per key, over all members"
        working.add(record.key)
        await asyncio.sleep(0)
        working.discard(record.key)
        runs[record.key].append(record.offset)

    first = await bench.add(handler)
    for n in range(200):
        customer = n % 7
        bench.kafka.append("letters", b"a", key=b"%d" % customer, partition=customer % 2)
    await poll_until(lambda: sum(map(len, runs.values())) > 20, first, max_records=5)
    second = await bench.add(handler)
    await poll_until(lambda: sum(map(len, runs.values())) > 80, first, second, max_records=5)
    assert first.lanes is not None
    await first.lanes.stop()
    await bench.kafka.leave(first)
    await bench.settle(second)
    for key, offsets in runs.items():
        expected = [r.offset for log in bench.kafka.logs.values() for r in log if r.key == key]
        assert offsets == expected, "graceful changes repeat nothing"
