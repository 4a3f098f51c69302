"""The cursor of `--follow`: every row once, whatever order the rows of a partition appear in."""

from hypothesis import given
from hypothesis import strategies as st

from recado.cli.cursor import MAX_GAPS, PATIENCE, Cursor

PLACE = ("recado.messages", 3)


def found(cursor: Cursor, rows: set[int]) -> list[int]:
    """The rows of a store that the cursor asks for."""
    highest, gaps = cursor.wanted()[PLACE]
    return sorted(one for one in rows if one > highest or one in gaps)


@given(
    there=st.sets(st.integers(0, 60)),
    polls=st.lists(st.sets(st.integers(0, 120)), max_size=8),
)
def test_each_row_that_appears_is_taken_once(there: set[int], polls: list[set[int]]) -> None:
    """Rows appear in any order, some never; what was there at the beginning is not taken."""
    cursor = Cursor({PLACE: max(there, default=-1)}, {PLACE: there}, now=0)
    rows = set(there)
    taken: list[int] = []
    for poll in polls:
        rows |= poll
        taken += [one for one in found(cursor, rows) if cursor.take(PLACE, one, now=0)]
    assert sorted(taken) == sorted(rows - there)


def test_a_row_that_is_met_again_is_not_taken_again() -> None:
    cursor = Cursor({PLACE: -1}, {PLACE: set()}, now=0)
    assert [cursor.take(PLACE, 5, now=0) for _ in range(2)] == [True, False]


def test_what_is_waited_for_is_bounded_in_number_and_in_time() -> None:
    """An offset without a row costs something at each look, and some never get one."""
    cursor = Cursor({PLACE: 0}, {PLACE: {0}}, now=0)
    cursor.take(PLACE, 5 * MAX_GAPS, now=0)
    assert len(cursor.wanted()[PLACE][1]) == MAX_GAPS
    cursor.take(PLACE, 5 * MAX_GAPS + 2, now=1)
    cursor.give_up(now=PATIENCE.total_seconds() + 0.5)
    assert cursor.wanted()[PLACE][1] == (5 * MAX_GAPS + 1,)
