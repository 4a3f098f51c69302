"""Promises about order and intake: of a key one at a time, of others not too many."""

import asyncio
from collections.abc import Sequence

from recado_lanes import Batch, Committed, Record

from .ledger import Ledger, write
from .world import World, until


async def keys_are_in_order_and_side_by_side(world: World) -> None:
    """Records of one key one at a time and in order, different keys at once, all committed."""
    ledger = Ledger(pace=0.002)
    places = await write(world, 60, keys=6)
    member = await world.member(ledger)
    await until(world, lambda: set(ledger.done) == places)
    await member.stop()
    assert ledger.overlaps == 0
    assert ledger.most > 2, "two partitions alone would give two"
    assert all(run == sorted(run) for run in ledger.of_key.values())
    committed = {p.number: c for p, c in (await world.committed()).items()}
    assert committed == {0: Committed(30), 1: Committed(30)}


async def a_slow_key_delays_no_other(world: World) -> None:
    """Not even of its own partition."""
    ledger = Ledger()
    ledger.held = {(0, 0)}
    places = await write(world, 12, keys=6)
    await world.member(ledger)
    same_key = {(0, 0), (0, 3)}
    await until(world, lambda: set(ledger.done) == places - same_key)
    ledger.open.set()
    await until(world, lambda: set(ledger.done) == places)


async def no_more_of_a_topic_than_its_ceiling_are_worked_on(world: World) -> None:
    """However many slots there are; those that stand aside have their turn."""
    ledger = Ledger()
    ledger.held = {(n % 2, n // 2) for n in range(6)}
    places = await write(world, 40, keys=20)
    await world.member(ledger, ceiling=6, concurrency=20)
    await until(world, lambda: len(ledger.working) == 6)
    await asyncio.sleep(0.1)
    assert len(ledger.working) == 6
    ledger.open.set()
    await until(world, lambda: set(ledger.done) == places)
    assert ledger.most == 6
    assert all(run == sorted(run) for run in ledger.of_key.values())


async def what_waits_is_bounded(world: World) -> None:
    """Intake pauses, and goes on when there is room."""
    ledger = Ledger()
    ledger.held = {(0, 0)}
    for _ in range(100):
        await world.write(b"v", key=b"k")
    member = await world.member(ledger, high_water=10, low_water=2)

    def progress() -> tuple[int, bool]:
        told = {p.number: t for p, t in member.lanes.progress().partitions.items()}
        return told[0].waiting, bool(told[0].paused)

    await until(world, lambda: progress()[1])
    await asyncio.sleep(0.1)
    assert progress()[0] <= 10 + 5
    ledger.open.set()
    await until(world, lambda: len(ledger.done) == 100)


async def what_waits_for_a_key_comes_together(world: World) -> None:
    """In order, up to a number, ended by a record that stands alone."""
    ledger = Ledger()
    ledger.held = {(0, 0)}
    batches: list[list[bytes | None]] = []

    async def handler(records: Sequence[Record]) -> None:
        await ledger.together(records)
        batches.append([record.value for record in records])

    values = [b"first", b"a", b"b", b"/c", b"d", b"e", b"f", b"g"]
    member = await world.member(
        Batch(handler, max_records=3, alone=lambda record: record.value == b"/c")
    )
    await world.write(values[0], key=b"k")
    await until(world, lambda: len(ledger.begun) == 1)
    for value in values[1:]:
        await world.write(value, key=b"k")
    await until(world, lambda: _waiting(member.lanes.progress().partitions) == len(values))
    ledger.open.set()
    await until(world, lambda: len(ledger.done) == len(values))
    assert batches == [[b"first"], [b"a", b"b"], [b"/c"], [b"d", b"e", b"f"], [b"g"]]


def _waiting(partitions: object) -> int:
    assert isinstance(partitions, dict)
    return sum(progress.waiting for progress in partitions.values())
