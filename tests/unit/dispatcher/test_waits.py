"""How long an answer waits, for a platform and for a result."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.dispatcher.waits import (
    BACKOFF_LONGEST,
    FIRST_LOOK,
    LONGEST_LOOK,
    SHARE,
    before_looking,
    before_sending,
)
from support.dispatching import NOW, SEND_TIMEOUT, SKEW

durations = st.timedeltas(timedelta(0), timedelta(minutes=5))


def looks(until: datetime) -> list[datetime]:
    """When a result is looked for that is awaited from now on."""
    times = [NOW]
    while times[-1] < until:
        times.append(times[-1] + before_looking(times[-1], NOW, until))
    return times


@given(took=durations, longest=durations)
def test_what_is_there_is_seen_after_a_quarter_more_of_its_time_at_most(
    took: timedelta, longest: timedelta
) -> None:
    """Or after 250 ms if that is longer, and after 2 s in any case; the last look is on time."""
    until = NOW + longest
    seen = looks(until)
    assert seen[-1] == until
    if took < longest:
        late = next(look for look in seen if look >= NOW + took) - (NOW + took)
        assert late <= min(max(took / SHARE, FIRST_LOOK), LONGEST_LOOK)


def test_a_claim_is_looked_at_some_fifteen_times_before_it_is_taken_over() -> None:
    """Each look asks MongoDB."""
    assert len(looks(NOW + SEND_TIMEOUT + SKEW)) <= 18


def test_a_claim_of_a_clock_that_is_ahead_is_waited_for_as_well() -> None:
    """The difference between two clocks makes no wait negative, and none end at once."""
    since = NOW + timedelta(seconds=2)
    assert before_looking(NOW, since, since + SEND_TIMEOUT) == FIRST_LOOK
    assert before_looking(NOW, NOW - SEND_TIMEOUT, NOW - SKEW) == timedelta(0)


@given(attempt=st.integers(1, 10**6), wanted=st.none() | durations)
def test_a_platform_gets_the_pause_that_it_wants_and_no_crowd_afterwards(
    attempt: int, wanted: timedelta | None
) -> None:
    """At least what it asked for; beyond that at most half a minute, however often it failed."""
    wait = before_sending(attempt, wanted)
    assert wait >= (wanted or timedelta(0))
    assert wait <= max(wanted or timedelta(0), BACKOFF_LONGEST)


@pytest.mark.parametrize(("attempt", "bound"), [(1, 0.5), (2, 1), (5, 8), (7, 30)])
def test_pauses_are_drawn_from_below_a_bound_that_doubles(attempt: int, bound: float) -> None:
    """Also near to the bound, so that it is not always the shortest."""
    drawn = [before_sending(attempt, None) for _ in range(300)]
    assert max(drawn) <= timedelta(seconds=bound)
    assert max(drawn) > timedelta(seconds=bound / 2)
    assert min(drawn) < timedelta(seconds=bound / 2)
