"""The rate itself, on a clock that the test moves."""

from hypothesis import given
from hypothesis import strategies as st

from recado.dispatcher.pacing import Pace

GAPS = st.lists(st.floats(min_value=0, max_value=20), min_size=1, max_size=60)
INTERVALS = st.floats(min_value=0.01, max_value=10)
BURSTS = st.integers(min_value=1, max_value=10)


def times(pace: Pace, gaps: list[float]) -> list[tuple[float, float]]:
    """When each was asked for, with the gaps between, and when it may go."""
    now, asked = 0.0, []
    for gap in gaps:
        now += gap
        asked.append((now, pace.take(now)))
    return asked


@given(GAPS, INTERVALS, BURSTS)
def test_no_stretch_of_time_sees_more_than_its_share_and_the_burst(
    gaps: list[float], interval: float, burst: int
) -> None:
    given = [at for _, at in times(Pace(interval, burst), gaps)]
    assert given == sorted(given)
    for first in range(len(given)):
        for last in range(first, len(given)):
            passed = given[last] - given[first]
            assert last - first + 1 <= passed / interval + burst + 1e-6


@given(GAPS, INTERVALS, BURSTS)
def test_nobody_waits_longer_than_those_before_make_necessary(
    gaps: list[float], interval: float, burst: int
) -> None:
    """Who waits goes an interval after the one before, or when the burst has room again."""
    asked = times(Pace(interval, burst), gaps)
    for number, (now, at) in enumerate(asked):
        if at > now + 1e-6:
            full_since = asked[number - burst][1] if number >= burst else None
            assert full_since is not None
            assert at <= max(full_since + burst * interval, asked[number - 1][1] + interval) + 1e-6


@given(INTERVALS, BURSTS)
def test_an_emptied_pace_has_one_to_give_and_then_one_an_interval(
    interval: float, burst: int
) -> None:
    pace = Pace(interval, burst)
    pace.empty(100.0)
    given = [pace.take(100.0) for _ in range(4)]
    for number, at in enumerate(given):
        assert abs(at - (100.0 + number * interval)) < 1e-6


def test_what_went_unasked_counts() -> None:
    pace = Pace(1.0)
    pace.spend(10.0)
    pace.spend(10.0)
    assert pace.next(10.0) == 12.0
    assert not pace.unused(11.9)
    assert pace.unused(12.0)
