"""Bounds: how many rejections are recorded, how many bytes of bodies are held."""

import pytest

from recado.ingress.errors import Overloaded
from recado.ingress.limits import Bucket, ByteBudget, TokenBuckets


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_burst_and_then_says_how_long_to_wait() -> None:
    clock = Clock()
    bucket = Bucket(2, 2, clock)

    assert [bucket.take() for _ in range(3)] == [0, 0, 0.5]
    clock.now += 0.25
    assert bucket.take() == 0.25
    clock.now += 0.25
    assert [bucket.take() for _ in range(2)] == [0, 0.5]
    clock.now += 3600
    assert [bucket.take() for _ in range(3)] == [0, 0, 0.5]


def test_a_key_gets_its_burst_and_then_its_rate() -> None:
    clock = Clock()
    buckets = TokenBuckets(per_second=2, burst=3, clock=clock)

    assert [buckets.take("a") for _ in range(5)] == [True, True, True, False, False]
    clock.now += 0.5
    assert [buckets.take("a") for _ in range(2)] == [True, False]
    clock.now += 3600
    assert [buckets.take("a") for _ in range(5)] == [True, True, True, False, False]


def test_asking_in_vain_does_not_put_off_the_next_token() -> None:
    clock = Clock()
    buckets = TokenBuckets(per_second=1, burst=1, clock=clock)
    buckets.take("a")

    for _ in range(3):
        clock.now += 0.25
        assert not buckets.take("a")
    clock.now += 0.25

    assert buckets.take("a")


def test_one_key_does_not_use_the_tokens_of_another() -> None:
    buckets = TokenBuckets(per_second=1, burst=1, clock=Clock())

    assert buckets.take("a")
    assert buckets.take("b")
    assert not buckets.take("a")


def test_only_the_latest_keys_are_remembered() -> None:
    buckets = TokenBuckets(per_second=1, burst=1, max_keys=10, clock=Clock())

    for number in range(1000):
        buckets.take(number)

    assert len(buckets) == 10
    assert not buckets.take(999)


def test_bytes_are_held_until_the_body_is_done_with_and_no_longer() -> None:
    budget = ByteBudget(10)

    with budget.hold() as one, budget.hold() as other:
        one.grow(6)
        with pytest.raises(Overloaded):
            other.grow(5)
        other.grow(4)
        assert budget.held == 10

    assert budget.held == 0


def test_bytes_are_free_again_after_a_failure() -> None:
    budget = ByteBudget(10)

    def hold_too_much() -> None:
        with budget.hold() as body:
            body.grow(4)
            body.grow(7)

    with pytest.raises(Overloaded):
        hold_too_much()

    assert budget.held == 0
