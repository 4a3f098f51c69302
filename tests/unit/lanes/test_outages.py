"""A dependency that is down: nothing is begun but a probe, and nothing is lost or spent."""

import asyncio
from datetime import timedelta

from recado_lanes import Record, Unavailable
from recado_lanes.testing import poll_until

from .conftest import Bench

HOUR = timedelta(hours=1)


class Dependency:
    """A handler that needs something which may be down."""

    def __init__(self) -> None:
        self.up = False
        self.poison: set[bytes | None] = set()
        self.only_key = False
        self.working = 0
        self.most_while_down = 0
        self.calls: list[bytes | None] = []
        self.done: list[bytes | None] = []

    async def __call__(self, record: Record) -> None:
        self.calls.append(record.key)
        self.working += 1
        try:
            await asyncio.sleep(0)
            if not self.up or record.key in self.poison:
                raise Unavailable("down", only_key=self.only_key)
            self.done.append(record.key)
        finally:
            self.working -= 1


def write(bench: Bench, count: int) -> None:
    for n in range(count):
        bench.kafka.append("letters", b"a", key=b"%d" % n, partition=n % 2)


async def test_while_it_is_down_one_record_at_a_time_is_tried_and_all_follow(
    bench: Bench,
) -> None:
    dependency = Dependency()
    consumer = await bench.add(dependency, concurrency=4, transient_attempts=1, bug_attempts=1)
    write(bench, 20)
    await poll_until(lambda: len(dependency.calls) > 4, consumer)
    tried = len(dependency.calls)
    most = 0
    async with asyncio.timeout(10):
        while len(dependency.calls) < tried + 10:
            most = max(most, dependency.working)
            await asyncio.sleep(0)
    assert most <= 1
    dependency.up = True
    await bench.settle(consumer)
    assert sorted(dependency.done, key=str) == sorted((b"%d" % n for n in range(20)), key=str)
    assert bench.dead_letters.letters == []
    assert bench.watcher.events == ["unavailable", "available"]


async def test_polling_goes_on_during_an_outage_until_too_much_waits(bench: Bench) -> None:
    dependency = Dependency()
    consumer = await bench.add(
        dependency, high_water=10, low_water=2, probe_initial=HOUR, probe_max=HOUR
    )
    write(bench, 200)
    await poll_until(lambda: len(consumer.paused) == 2, consumer, max_records=4)
    assert consumer.lanes is not None
    assert consumer.lanes.progress().unavailable
    assert consumer.lanes.progress().in_flight == 0


async def test_one_record_that_always_finds_it_down_holds_up_no_other_for_ever(
    bench: Bench,
) -> None:
    dependency = Dependency()
    dependency.up = True
    dependency.poison = {b"0"}
    consumer = await bench.add(dependency, concurrency=1)
    write(bench, 30)
    await poll_until(lambda: len(set(dependency.done)) == 29, consumer)
    assert bench.dead_letters.letters == []
    dependency.poison.clear()
    await bench.settle(consumer)


async def test_what_concerns_one_key_alone_stops_no_other(bench: Bench) -> None:
    dependency = Dependency()
    dependency.up = True
    dependency.poison = {b"0"}
    dependency.only_key = True
    consumer = await bench.add(dependency, probe_initial=HOUR, probe_max=HOUR)
    write(bench, 30)
    await poll_until(lambda: len(dependency.done) == 29, consumer)
    assert dependency.calls.count(b"0") == 1


async def test_a_key_that_waits_alone_is_told_from_an_outage_of_everything(bench: Bench) -> None:
    """Somebody is woken for the one, and not for the other."""
    dependency = Dependency()
    dependency.up = True
    dependency.poison = {b"0", b"1"}
    dependency.only_key = True
    consumer = await bench.add(dependency)
    assert consumer.lanes is not None
    lanes = consumer.lanes
    write(bench, 30)
    await poll_until(lambda: len(dependency.done) == 28, consumer)
    await poll_until(lambda: lanes.progress().alone == 2, consumer)
    assert not lanes.progress().unavailable
    assert bench.watcher.events == ["unavailable alone"] * 2
    dependency.poison.clear()
    await bench.settle(consumer)
    assert lanes.progress().alone == 0
    assert bench.watcher.events == ["unavailable alone"] * 2 + ["available alone"] * 2


async def test_what_stopped_all_and_turns_out_to_be_one_keys_own_waits_alone(bench: Bench) -> None:
    """Once another succeeds where it failed, the outage is over and only that key waits."""
    dependency = Dependency()
    dependency.up = True
    dependency.poison = {b"0"}
    consumer = await bench.add(dependency, concurrency=1)
    assert consumer.lanes is not None
    lanes = consumer.lanes
    write(bench, 30)
    await poll_until(lambda: len(set(dependency.done)) == 29, consumer)
    await poll_until(lambda: lanes.progress().alone == 1, consumer)
    assert not lanes.progress().unavailable
    assert bench.watcher.events == ["unavailable", "available", "unavailable alone"]
    dependency.poison.clear()
    await bench.settle(consumer)


async def test_a_key_whose_partition_goes_does_not_wait_here_any_more(bench: Bench) -> None:
    dependency = Dependency()
    dependency.up = True
    dependency.poison = {b"0"}
    dependency.only_key = True
    consumer = await bench.add(dependency, probe_initial=HOUR, probe_max=HOUR)
    assert consumer.lanes is not None
    lanes = consumer.lanes
    write(bench, 2)
    await poll_until(lambda: lanes.progress().alone == 1, consumer)
    await consumer.revoke()
    assert lanes.progress().alone == 0


async def test_an_outage_that_nothing_is_left_to_probe_ends(bench: Bench) -> None:
    """Its records went with their partition."""
    dependency = Dependency()
    consumer = await bench.add(
        dependency,
        probe_initial=timedelta(milliseconds=50),
        probe_max=timedelta(milliseconds=50),
    )
    write(bench, 2)
    await poll_until(lambda: bench.watcher.events == ["unavailable"], consumer)
    await consumer.revoke()
    await poll_until(lambda: bench.watcher.events == ["unavailable", "available"])
    dependency.up = True
    await bench.kafka.rebalance()
    await bench.settle(consumer)


async def test_an_outage_goes_on_over_a_rebalance_and_ends_after_it(bench: Bench) -> None:
    dependency = Dependency()
    consumer = await bench.add(dependency)
    write(bench, 10)
    await poll_until(lambda: len(dependency.calls) > 10, consumer)
    for _ in range(3):
        await bench.kafka.rebalance()
        await consumer.poll()
        await asyncio.sleep(0.003)
    dependency.up = True
    await bench.settle(consumer)
    assert len(set(dependency.done)) == 10
