"""The adaptive limit grows while handling is quick, halves when it is too much, is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado_lanes import Adaptive, Record, Transient
from recado_lanes.limit import Limit

from .conftest import Bench


def test_a_fixed_limit_stays_whatever_happens() -> None:
    limit = Limit(8)
    for _ in range(100):
        limit.succeeded(1.0, 8)
        limit.overloaded(1.0, 0.0)
    assert limit.now == 8


def test_it_grows_by_one_for_each_limits_worth_of_successes() -> None:
    limit = Limit(10, Adaptive(maximum=100))
    for _ in range(11):
        limit.succeeded(1.0, limit.now)
    assert limit.now == 11


def test_it_does_not_grow_while_it_is_not_used_up() -> None:
    limit = Limit(10, Adaptive(maximum=100))
    for _ in range(1000):
        limit.succeeded(1.0, 9)
    assert limit.now == 10


def test_it_does_not_grow_while_handling_takes_much_longer_than_at_its_best() -> None:
    limit = Limit(10, Adaptive(maximum=100))
    limit.succeeded(1.0, 1)
    for _ in range(100):
        limit.succeeded(5.0, limit.now)
    assert limit.now == 10


def test_many_signs_of_one_overload_halve_it_once() -> None:
    limit = Limit(64, Adaptive(maximum=100))
    for n in range(64):
        limit.overloaded(1.0, 100.0 + n / 1000)
    assert limit.now == 32
    limit.overloaded(1.0, 102.0)
    assert limit.now == 16


@given(st.lists(st.tuples(st.booleans(), st.floats(0.001, 10))), st.integers(1, 500))
def test_it_stays_within_its_bounds(events: list[tuple[bool, float]], start: int) -> None:
    limit = Limit(start, Adaptive(minimum=3, maximum=200))
    at = 0.0
    for good, took in events:
        at += 20
        if good:
            limit.succeeded(took, limit.now)
        else:
            limit.overloaded(took, at)
        assert 3 <= limit.now <= 200


@pytest.mark.parametrize("bounds", [(0, 5), (6, 5)])
def test_bounds_that_make_no_sense_are_refused(bounds: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="minimum"):
        Adaptive(*bounds)


async def test_a_handler_that_is_told_too_much_halves_the_limit_of_its_consumer(
    bench: Bench,
) -> None:
    calls = 0

    async def handler(record: Record) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Transient("429", overloaded=True)

    consumer = await bench.add(handler, concurrency=16, adaptive=Adaptive(maximum=16))
    bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    assert consumer.lanes is not None
    assert consumer.lanes.progress().limit == 8
