"""The longest backlog is next, and nobody waits for ever."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado_lanes.backlogs import AGEING, EXACT, Backlogs


@dataclass(eq=False)
class Key:
    backlog: int
    rank: int = 0

    def __len__(self) -> int:
        return self.backlog


@given(st.lists(st.integers(1, EXACT - 1), max_size=AGEING - 1))
def test_the_longest_backlog_is_first_and_equals_in_the_order_of_their_coming(
    sizes: list[int],
) -> None:
    backlogs: Backlogs[Key] = Backlogs()
    keys = [Key(size) for size in sizes]
    for key in keys:
        backlogs.add(key)
    assert [backlogs.pop() for _ in keys] == sorted(keys, key=len, reverse=True)


def test_one_that_grows_while_it_waits_moves_ahead() -> None:
    backlogs: Backlogs[Key] = Backlogs()
    short, long = Key(1), Key(3)
    for key in (short, long):
        backlogs.add(key)
    short.backlog = 1000
    backlogs.grew(short)
    assert backlogs.pop() is short


def test_a_short_backlog_is_started_although_longer_ones_never_end() -> None:
    backlogs: Backlogs[Key] = Backlogs()
    short = Key(1)
    backlogs.add(short)
    for _ in range(10):
        backlogs.add(Key(100))
    for _ in range(AGEING):
        popped = backlogs.pop()
        if popped is short:
            return
        backlogs.add(popped)
    pytest.fail("it starved")


@given(st.lists(st.tuples(st.sampled_from(["add", "pop", "remove", "grow"]), st.integers(0, 9))))
def test_whatever_is_done_it_holds_just_what_was_added_and_not_taken(
    steps: list[tuple[str, int]],
) -> None:
    backlogs: Backlogs[Key] = Backlogs()
    keys = [Key(n + 1) for n in range(10)]
    inside: set[Key] = set()
    for step, n in steps:
        key = keys[n]
        match step:
            case "add" if key not in inside:
                backlogs.add(key)
                inside.add(key)
            case "remove":
                backlogs.remove(key)
                inside.discard(key)
            case "grow" if key in inside:
                key.backlog *= 3
                backlogs.grew(key)
            case "pop" if inside:
                inside.remove(backlogs.pop())
        assert len(backlogs) == len(inside)
    with_all_out = {backlogs.pop() for _ in range(len(backlogs))}
    assert with_all_out == inside
    with pytest.raises(KeyError):
        backlogs.pop()
