"""Keys side by side inside a partition: order, the limit, and whose turn it is."""

import asyncio
from collections import defaultdict
from datetime import timedelta

import pytest

from recado_lanes import (
    ConsumerFailed,
    LaneOptions,
    Lanes,
    Record,
    Transient,
    every_record_by_itself,
)
from recado_lanes.testing import FakeConsumer, FakeDeadLetters, FakeKafka, poll_until

from .conftest import OPTIONS, ZERO, Bench, Watcher


class Doors:
    """A handler that waits for each key's door; notes what runs at once."""

    def __init__(self) -> None:
        self.doors: dict[bytes | None, asyncio.Event] = defaultdict(asyncio.Event)
        self.working: list[bytes | None] = []
        self.most = 0
        self.done: list[tuple[bytes | None, int]] = []

    async def __call__(self, record: Record) -> None:
        assert record.key is None or record.key not in self.working, "two at once"
        self.working.append(record.key)
        self.most = max(self.most, len(self.working))
        try:
            await self.doors[record.key].wait()
        finally:
            self.working.remove(record.key)
        self.done.append((record.key, record.offset))


async def test_a_slow_key_delays_no_other_of_its_partition(bench: Bench) -> None:
    doors = Doors()
    doors.doors[b"quick"].set()
    consumer = await bench.add(doors)
    for key in (b"slow", b"quick", b"slow", b"quick"):
        bench.kafka.append("letters", b"a", key=key)
    await poll_until(lambda: doors.done == [(b"quick", 1), (b"quick", 3)], consumer)
    assert doors.working == [b"slow"]
    doors.doors[b"slow"].set()
    await bench.settle(consumer)
    assert doors.done[2:] == [(b"slow", 0), (b"slow", 2)]


async def test_records_without_a_key_stay_in_the_order_of_their_partition(bench: Bench) -> None:
    doors = Doors()
    consumer = await bench.add(doors)
    for _ in range(3):
        bench.kafka.append("letters", b"a")
    await poll_until(lambda: len(doors.working) == 1, consumer)
    doors.doors[None].set()
    await bench.settle(consumer)
    assert doors.most == 1
    assert doors.done == [(None, 0), (None, 1), (None, 2)]


def lanes_with_keys(kafka: FakeKafka, handler: Doors, **changes: object) -> FakeConsumer:
    consumer = FakeConsumer(kafka)
    consumer.lanes = Lanes(
        handlers={"letters": handler},
        keys={"letters": every_record_by_itself},
        consumer=consumer,
        dead_letters=FakeDeadLetters(),
        options=OPTIONS,
        observer=Watcher(),
    )
    return consumer


async def test_the_key_can_be_another_than_the_records(bench: Bench) -> None:
    """Here every record stands by itself."""
    doors = Doors()
    consumer = lanes_with_keys(bench.kafka, doors)
    assert consumer.lanes is not None
    for _ in range(5):
        bench.kafka.append("letters", b"a")
    async with consumer.lanes:
        await bench.kafka.join(consumer)
        await poll_until(lambda: len(doors.working) == 5, consumer)
        doors.doors[None].set()


async def test_a_key_function_without_a_handler_is_refused() -> None:
    with pytest.raises(ValueError, match="without a handler"):
        Lanes(
            handlers={},
            keys={"letters": every_record_by_itself},
            consumer=FakeConsumer(FakeKafka({})),
            dead_letters=FakeDeadLetters(),
            options=LaneOptions(service="tests"),
        )


async def test_no_more_keys_than_the_limit_are_worked_on_over_all_partitions(
    bench: Bench,
) -> None:
    doors = Doors()
    consumer = await bench.add(doors, concurrency=7)
    for n in range(40):
        bench.kafka.append("letters", b"a", key=b"%d" % n, partition=n % 2)
    await poll_until(lambda: len(doors.working) == 7, consumer)
    for n in range(40):
        doors.doors[b"%d" % n].set()
    await bench.settle(consumer)
    assert doors.most == 7


async def test_the_key_with_the_longest_backlog_is_started_first(bench: Bench) -> None:
    doors = Doors()
    consumer = await bench.add(doors, concurrency=1)
    bench.kafka.append("letters", b"a", key=b"first")
    await poll_until(lambda: doors.working == [b"first"], consumer)
    for key, count in ((b"two", 2), (b"five", 5), (b"one", 1)):
        for _ in range(count):
            bench.kafka.append("letters", b"a", key=key)
    await consumer.poll()
    for key in (b"first", b"two", b"five", b"one"):
        doors.doors[key].set()
    await bench.settle(consumer)
    begun = list(dict.fromkeys(key for key, _ in doors.done))
    assert begun == [b"first", b"five", b"two", b"one"]


async def test_a_key_that_waits_to_be_tried_again_holds_no_slot(bench: Bench) -> None:
    done: list[bytes | None] = []

    async def handler(record: Record) -> None:
        if record.key == b"bad":
            raise Transient("busy", retry_after=timedelta(minutes=1))
        done.append(record.key)

    consumer = await bench.add(handler, concurrency=1)
    for key in (b"bad", b"good", b"bad", b"better"):
        bench.kafka.append("letters", b"a", key=key)
    await poll_until(lambda: done == [b"good", b"better"], consumer)


async def test_a_context_variable_of_one_record_is_not_seen_by_the_next(bench: Bench) -> None:
    from contextvars import ContextVar

    seen: list[str] = []
    variable = ContextVar("variable", default="clean")

    async def handler(record: Record) -> None:
        seen.append(variable.get())
        variable.set("dirty")

    consumer = await bench.add(handler)
    for _ in range(3):
        bench.kafka.append("letters", b"a", key=b"k")
    await bench.settle(consumer)
    assert seen == ["clean"] * 3


async def test_no_more_records_wait_than_the_process_may_hold(bench: Bench) -> None:
    """Each partition has its share, whatever its own mark says."""
    doors = Doors()
    consumer = await bench.add(doors, max_waiting=20, high_water=1000, low_water=5)
    for n in range(100):
        bench.kafka.append("letters", b"a", key=b"%d" % n, partition=n % 2)
    await poll_until(lambda: len(consumer.paused) == 2, consumer, max_records=3)
    assert sum(consumer.positions.values()) <= 20 + 2 * 3
    for n in range(100):
        doors.doors[b"%d" % n].set()
    await bench.settle(consumer)


async def test_keys_are_forgotten_when_nothing_waits_for_them(bench: Bench) -> None:
    """Else memory would grow with every customer ever seen."""

    async def handler(record: Record) -> None:
        pass

    consumer = await bench.add(handler)
    for n in range(50):
        bench.kafka.append("letters", b"a", key=b"%d" % n)
    await bench.settle(consumer)
    assert consumer.lanes is not None
    assert all(not lanes.keys for lanes in consumer.lanes._table)


async def test_progress_tells_what_is_in_flight_waits_and_is_not_committed(bench: Bench) -> None:
    doors = Doors()
    doors.doors[b"quick"].set()
    consumer = await bench.add(doors, concurrency=2)
    for key in (b"slow", b"quick", b"quick", b"slow"):
        bench.kafka.append("letters", b"a", key=key)
    await poll_until(lambda: len(doors.done) == 2, consumer)
    assert consumer.lanes is not None
    progress = consumer.lanes.progress()
    assert (progress.in_flight, progress.limit, progress.unavailable) == (1, 2, False)
    zero = progress.partitions[ZERO]
    assert (zero.waiting, zero.span, zero.paused) == (2, 4, frozenset())
    assert zero.oldest is not None
    await poll_until(lambda: len(bench.watcher.progresses) > 1)
    doors.doors[b"slow"].set()
    await bench.settle(consumer)
    assert consumer.lanes.progress().partitions[ZERO].oldest is None


async def test_an_observer_that_fails_ends_the_consumer_instead_of_hanging_it(
    bench: Bench,
) -> None:
    """It must not; but a slot that is never given back would stop the work in silence."""

    async def handler(record: Record) -> None:
        pass

    def broken(record: Record, *, attempts: int, took: timedelta) -> None:
        raise KeyError

    bench.watcher.handled = broken  # type: ignore[method-assign]  # an observer with a bug
    consumer = await bench.add(handler, drain_budget=timedelta(0))
    bench.kafka.append("letters", b"a")
    await consumer.poll()
    with pytest.raises(ConsumerFailed):
        await bench.ended(consumer)
    assert bench.kafka.committed == {}
