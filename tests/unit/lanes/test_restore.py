"""The restore hook, before the first record of an assignment."""

import pytest

from recado_lanes import Record, RestoreFailed, Unavailable

from .conftest import Bench


async def test_the_restore_hook_runs_before_the_first_record_of_every_assignment(
    bench: Bench,
) -> None:
    events: list[str] = []

    async def restore(record: Record) -> None:
        events.append(f"restore {record.offset}")

    async def handler(record: Record) -> None:
        events.append(f"handle {record.offset}")

    consumer = await bench.add(handler, restore=restore)
    for _ in range(2):
        bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    await bench.kafka.rebalance()
    bench.kafka.append("letters", b"b")
    await bench.settle(consumer)
    assert events == ["restore 0", "handle 0", "handle 1", "restore 2", "handle 2"]


async def test_a_restore_that_fails_is_repeated_and_costs_no_record(bench: Bench) -> None:
    attempts = 0
    seen: list[int] = []

    async def restore(record: Record) -> None:
        nonlocal attempts
        attempts += 1
        if attempts <= 3:
            raise ConnectionError
        if attempts <= 6:
            raise Unavailable("down")

    async def handler(record: Record) -> None:
        seen.append(record.offset)

    consumer = await bench.add(handler, restore=restore)
    bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    assert (attempts, seen) == (7, [0])


async def test_a_restore_that_never_works_stops_the_consumer(bench: Bench) -> None:
    seen: list[int] = []

    async def restore(record: Record) -> None:
        raise KeyError

    async def handler(record: Record) -> None:
        seen.append(record.offset)

    consumer = await bench.add(handler, restore=restore, transient_attempts=3)
    bench.kafka.append("letters", b"a")
    await consumer.poll()
    with pytest.raises(RestoreFailed):
        await bench.ended(consumer)
    assert seen == []
    assert bench.kafka.committed == {}
