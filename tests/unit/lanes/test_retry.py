"""Waits grow, are jittered, bounded, and never shorter than what was asked for."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado_lanes import LaneOptions
from recado_lanes.retry import Backoff

OPTIONS = LaneOptions(
    service="tests",
    backoff_initial=timedelta(seconds=1),
    backoff_max=timedelta(seconds=20),
    probe_initial=timedelta(seconds=2),
    probe_max=timedelta(seconds=10),
)


@given(st.integers(1, 200))
def test_a_retry_waits_at_most_twice_as_long_each_time_up_to_the_maximum(attempt: int) -> None:
    wait = Backoff(OPTIONS).before_retry(attempt)
    assert timedelta(0) <= wait <= timedelta(seconds=min(2.0 ** min(attempt - 1, 20), 20.0))


def test_waits_are_drawn_anew_so_that_lanes_do_not_come_back_together() -> None:
    backoff = Backoff(OPTIONS)
    assert len({backoff.before_retry(5) for _ in range(20)}) > 1


@given(st.integers(1, 50), st.integers(0, 100))
def test_a_wait_is_never_shorter_than_the_other_side_asked_for(attempt: int, asked: int) -> None:
    retry_after = timedelta(seconds=asked)
    assert Backoff(OPTIONS).before_retry(attempt, retry_after) >= retry_after


@given(st.integers(1, 200))
def test_a_probe_waits_between_half_its_bound_and_all_of_it(attempt: int) -> None:
    bound = min(2.0 * 2 ** min(attempt - 1, 20), 10.0)
    wait = Backoff(OPTIONS).before_probe(attempt).total_seconds()
    assert bound / 2 <= wait <= bound


@pytest.mark.parametrize(
    "wrong",
    [
        {"service": ""},
        {"low_water": 10, "high_water": 10},
        {"bug_attempts": 0},
        {"dead_letters_in_a_row": 0},
        {"commit_interval": timedelta(0)},
    ],
)
def test_options_that_contradict_each_other_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        LaneOptions(**({"service": "tests"} | wrong))  # type: ignore[arg-type]  # that is the test
