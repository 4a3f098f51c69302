"""Moments as a person types them."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.cli.moments import moment
from recado.cli.output import CliError

NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "back"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("2h", timedelta(hours=2)),
        ("1d12h", timedelta(hours=36)),
        ("1w", timedelta(days=7)),
    ],
)
def test_a_duration_is_so_long_ago(typed: str, back: timedelta) -> None:
    assert moment(typed, now=NOW) == NOW - back


def test_a_time_with_a_zone_is_taken_as_it_is() -> None:
    assert moment("2026-11-22T16:00:00+02:00", now=NOW) == datetime(2026, 11, 22, 14, tzinfo=UTC)
    assert moment("2026-11-22T14:00:00Z", now=NOW) == datetime(2026, 11, 22, 14, tzinfo=UTC)


def test_a_time_without_a_zone_is_of_this_machine() -> None:
    here = datetime(2026, 11, 22, 14).astimezone()  # the zone is what is tested
    assert moment("2026-11-22T14:00", now=NOW) == here


@pytest.mark.parametrize("typed", ["", "2", "h", "2x", "-2h", "yesterday", "999999999w", "٢h"])
def test_what_is_no_time_is_one_sentence(typed: str) -> None:
    with pytest.raises(CliError, match="is no time"):
        moment(typed, now=NOW)


@given(st.text())
def test_whatever_is_typed_is_an_aware_time_or_a_sentence(typed: str) -> None:
    with suppress(CliError):
        assert moment(typed, now=NOW).tzinfo is not None
