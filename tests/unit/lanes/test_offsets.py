"""The offset to commit never passes a record that is not done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado_lanes.offsets import OffsetTracker


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Offsets with gaps, and the order in which some of them are done."""
    steps = draw(st.lists(st.integers(1, 4), min_size=1, max_size=30))
    offsets: list[int] = []
    for step in steps:
        offsets.append((offsets[-1] if offsets else draw(st.integers(0, 5))) + step)
    order = draw(st.permutations(offsets))
    return offsets, order[: draw(st.integers(0, len(order)))]


@given(histories(), st.data())
def test_whatever_the_order_of_completions_nothing_unfinished_is_committed(
    history: tuple[list[int], list[int]], data: st.DataObject
) -> None:
    offsets, order = history
    tracker = OffsetTracker()
    for offset in offsets:
        tracker.take(offset)
    done: set[int] = set()
    acknowledged = offsets[0]
    for offset in order:
        tracker.done(offset)
        done.add(offset)
        to_commit = tracker.to_commit()
        open_offsets = [o for o in offsets if o not in done]
        # All below is done, and it is the furthest of which that is so.
        expected = open_offsets[0] if open_offsets else offsets[-1] + 1
        assert to_commit == (expected if expected > acknowledged else None)
        if to_commit is not None and data.draw(st.booleans(), label="acknowledged"):
            tracker.committed(to_commit)
            acknowledged = to_commit
    assert tracker.unfinished == len(offsets) - len(done)


def test_nothing_is_to_commit_before_anything_is_done() -> None:
    tracker = OffsetTracker()
    assert tracker.to_commit() is None
    tracker.take(7)
    assert tracker.to_commit() is None


def test_an_offset_that_is_not_acknowledged_stays_to_be_committed() -> None:
    tracker = OffsetTracker()
    tracker.take(7)
    tracker.done(7)
    assert tracker.to_commit() == 8
    assert tracker.to_commit() == 8
    tracker.committed(8)
    assert tracker.to_commit() is None


def test_a_late_acknowledgement_of_less_takes_nothing_back() -> None:
    tracker = OffsetTracker()
    for offset in (0, 1):
        tracker.take(offset)
        tracker.done(offset)
    tracker.committed(2)
    tracker.committed(1)
    assert tracker.to_commit() is None


def test_an_offset_is_taken_and_done_only_once() -> None:
    tracker = OffsetTracker()
    tracker.take(3)
    with pytest.raises(ValueError, match="below 4"):
        tracker.take(3)
    tracker.done(3)
    with pytest.raises(ValueError, match="not being worked on"):
        tracker.done(3)
