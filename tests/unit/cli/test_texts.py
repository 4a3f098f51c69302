"""Texts and durations on a terminal."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.cli.texts import around_difference, duration, shortened


@pytest.mark.parametrize(
    ("took", "shown"),
    [
        (timedelta(0), "0 ms"),
        (timedelta(microseconds=12_400), "12 ms"),
        (timedelta(microseconds=999_900), "1.00 s"),
        (timedelta(seconds=3.25), "3.25 s"),
        (timedelta(seconds=59.999), "1 min"),
        (timedelta(minutes=4, seconds=10), "4 min 10 s"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(days=3, hours=4), "3 d 4 h"),
        (timedelta(seconds=-2), "-2.00 s"),
    ],
)
def test_a_duration_has_the_unit_that_fits(took: timedelta, shown: str) -> None:
    assert duration(took) == shown


@given(st.text(), st.integers(1, 50))
def test_a_shortened_text_is_never_longer_and_can_not_steer_a_terminal(
    text: str, characters: int
) -> None:
    short = shortened(text, characters)
    assert len(short) <= characters + len(" …")
    assert all(one.isprintable() or one in "\n\t" for one in shortened(text, None))


def test_two_texts_are_cut_to_where_they_differ() -> None:
    """A difference far behind the beginning is seen; one near it is seen with the beginning."""
    beginning = "Esto es lo que dice nuestra documentación. " * 10
    one, other = around_difference(beginning + "Sí.", beginning + "No.", 80)
    assert one.startswith("… ")
    assert (one[-3:], other[-3:]) == ("Sí.", "No.")
    assert around_difference("Sí.", "No.", 80) == ("Sí.", "No.")
