"""What the benchmark of lanes counts is counted right, for lanes and for their peers."""

import asyncio
from importlib import import_module

import pytest
from bench.lanes import PLANS
from bench.lanes_load import WORKLOADS, Workload, workload
from bench.lanes_meter import Meter
from bench.lanes_worker import MODULES

ONE_KEY = Workload("one", "3 records of one key, one after another", 3, 1, 0.001)


async def test_records_of_a_key_one_after_another_keep_the_order() -> None:
    """Nothing is lost, repeated or out of order, and the meter is done."""
    meter = Meter(ONE_KEY)
    for number in range(3):
        await meter.handle(number)
    assert meter.done.is_set()
    report = meter.report()
    assert (report["lost"], report["twice"], report["out_of_order"]) == (0, 0, 0)
    assert report["seconds"] >= 3 * 0.001


async def test_records_of_a_key_side_by_side_break_the_order() -> None:
    """Also where each ends before the next: they were never to be in work together."""
    meter = Meter(ONE_KEY)
    await asyncio.gather(*map(meter.handle, range(3)))
    assert meter.report()["out_of_order"] == 2


async def test_a_record_after_a_later_one_of_its_key_breaks_the_order() -> None:
    """One after another, but the second before the first."""
    meter = Meter(ONE_KEY)
    for number in (1, 0, 2):
        await meter.handle(number)
    assert meter.report()["out_of_order"] == 1


async def test_a_repeat_does_not_stand_for_another_record() -> None:
    """A record handled twice is counted, and what has not come is still missing."""
    meter = Meter(ONE_KEY)
    for number in (0, 1, 1):
        await meter.handle(number)
    assert not meter.done.is_set()
    report = meter.report()
    assert (report["lost"], report["twice"]) == (1, 1)


async def test_what_never_comes_counts_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The meter ends when nothing has come for a while."""
    monkeypatch.setattr("bench.lanes_meter.PATIENCE", 0.01)
    meter = Meter(ONE_KEY)
    await meter.handle(0)
    async with asyncio.timeout(10):
        await meter.finished()
    assert meter.report()["lost"] == 2


@pytest.mark.parametrize("name", [one.name for one in WORKLOADS])
def test_a_part_of_a_load_is_its_beginning(name: str) -> None:
    """So that a peer which gets fewer records gets the same keys and times."""
    whole, part = workload(name, 10**9), workload(name, 100)
    assert list(part.draw()) == list(whole.draw())[:100]


def test_a_bound_is_what_concurrency_or_the_longest_key_needs() -> None:
    """One key is bound by itself, many keys by how many are worked on at once."""
    assert ONE_KEY.bound() == pytest.approx(3 * 0.001)
    many = Workload("many", "", 2_560, 100_000, 1.0)
    assert many.bound() == pytest.approx(10.0)


def test_each_planned_contender_is_there() -> None:
    """Its module has a function of its name."""
    for contender in {name for plan in PLANS.values() for name in plan} | {"memory"}:
        assert callable(getattr(import_module(MODULES[contender]), contender))
