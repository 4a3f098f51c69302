"""Promises about commits, and about partitions that go and come back."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

from recado_lanes import Committed, Partition, Record
from recado_lanes.metadata import Completed, encode

from .ledger import Ledger, write
from .world import World, claimed, reject_commits, until


async def after_a_crash_only_what_was_in_flight_is_repeated(world: World) -> None:
    """Whatever was done beyond the first gap; and nothing is lost."""
    ledger = Ledger()
    ledger.held = {(0, 0), (0, 5)}
    for n in range(20):
        await world.write(b"v", key=b"k%d" % n)
    first = await world.member(ledger)
    await until(world, lambda: len(ledger.done) == 18)
    async with asyncio.timeout(world.patience):
        while len(await claimed(world)) < 18:  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.01)
    await first.crash()
    ledger.open.set()
    second = await world.member(ledger)
    await until(world, lambda: len(set(ledger.done)) == 20)
    await second.stop()
    assert Counter(ledger.done) == Counter((0, n) for n in range(20))


async def a_rebalance_repeats_nothing(world: World) -> None:
    """What is in work ends and is committed before another member gets its partition."""
    ledger = Ledger(pace=0.05)
    places = await write(world, 120, keys=8)
    first = await world.member(ledger)
    await until(world, lambda: len(ledger.done) >= 8)
    second = await world.member(ledger)
    await until(world, lambda: set(ledger.done) == places)
    assert not first.lanes.assignment & second.lanes.assignment
    await first.stop()
    await second.stop()
    assert ledger.overlaps == 0
    assert Counter(ledger.done) == Counter(places)
    assert all(run == sorted(run) for run in ledger.of_key.values())


async def what_was_polled_before_a_revocation_is_not_handled_after_it(world: World) -> None:
    """Whoever has the partition now reads it again."""
    ledger = Ledger()
    await world.write(b"v", key=b"k")
    member = await world.member(ledger)
    await until(world, lambda: len(ledger.done) == 1)
    old = member.lanes.epoch
    other = await world.member(Ledger())
    await other.stop()
    await until(world, lambda: len(member.lanes.assignment) == 2)
    await world.write(b"v", key=b"k")
    await until(world, lambda: len(ledger.done) == 2)
    (partition,) = {p for p in member.lanes.assignment if p.number == 0}
    late = _record(partition, offset=2)
    await member.lanes.submit([late], epoch=old)
    await asyncio.sleep(0.05)
    assert len(ledger.done) == 2, "the late one was taken for the real one"
    await world.write(b"v", key=b"k")
    await until(world, lambda: len(ledger.done) == 3)
    await member.stop()
    assert ledger.done == [(0, 0), (0, 1), (0, 2)]
    assert member.lanes.failure is None


async def a_rejected_commit_is_made_again(world: World) -> None:
    """It is not recorded as done, and ends nothing."""
    ledger = Ledger()
    member = await world.member(ledger)
    reject_commits(member.lanes, 3)
    await world.write(b"v", key=b"k")
    await until(world, lambda: len(ledger.done) == 1)
    async with asyncio.timeout(world.patience):
        while not await world.committed():  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.01)


async def metadata_of_another_log_is_ignored(world: World) -> None:
    """As after a topic was made anew."""
    ledger = Ledger()
    for n in range(5):
        await world.write(b"v", key=b"k%d" % n)
    text = encode(Completed(base=0, written=1234, runs=((1, 5),)))
    await world.commit(0, Committed(0, text))
    await world.member(ledger)
    await until(world, lambda: len(ledger.done) == 5)


async def a_tombstone_is_passed_over(world: World) -> None:
    """And committed with the others."""
    ledger = Ledger()
    await world.write(None, key=b"k")
    await world.write(b"v", key=b"k")
    member = await world.member(ledger)
    await until(world, lambda: (0, 1) in ledger.done)
    await member.stop()
    assert ledger.done == [(0, 1)]
    assert (await world.committed())[Partition(world.topic, 0)].offset == 2


async def nothing_is_handled_before_the_restore(world: World) -> None:
    """Of that partition; others begin by themselves."""
    ledger = Ledger()
    restoring = asyncio.Event()

    async def restore(record: Record) -> None:
        if record.partition == 0:
            restoring.set()
            await ledger.open.wait()

    await write(world, 4, keys=2)
    await world.member(ledger, restore=restore)
    await until(world, lambda: restoring.is_set() and len(ledger.done) == 2)
    assert {partition for partition, _ in ledger.begun} == {1}
    ledger.open.set()
    await until(world, lambda: len(ledger.done) == 4)


def _record(partition: Partition, *, offset: int) -> Record:
    return Record(
        topic=partition.topic,
        partition=partition.number,
        offset=offset,
        key=b"k",
        value=b"late",
        headers=(),
        timestamp=datetime.now(UTC),
    )
