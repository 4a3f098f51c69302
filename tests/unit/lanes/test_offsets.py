"""The offset to commit passes no record that is not done; its metadata tells what is beyond."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado_lanes.metadata import decode
from recado_lanes.offsets import OffsetTracker

START = datetime(2026, 1, 1, tzinfo=UTC)


def written(offset: int) -> datetime:
    return START + timedelta(seconds=offset)


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
        tracker.take(offset, written(offset))
    done: set[int] = set()
    for offset in order:
        tracker.done(offset)
        done.add(offset)
        commit = tracker.to_commit()
        assert commit is not None
        open_offsets = [o for o in offsets if o not in done]
        # All below is done, and it is the furthest of which that is so.
        assert commit.offset == (open_offsets[0] if open_offsets else offsets[-1] + 1)
        beyond = {o for o in done if o > commit.offset}
        runs = decode(commit.metadata).runs if commit.metadata else ()
        assert {o for o in offsets if any(s <= o < e for s, e in runs)} == beyond
        if data.draw(st.booleans(), label="acknowledged"):
            tracker.committed(commit)
            assert tracker.to_commit() is None
    assert tracker.unfinished == len(offsets) - len(done)


@given(histories(), st.integers(0, 30), st.integers(0, 30))
def test_the_next_one_knows_what_was_done_and_passes_it_on_before_it_has_seen_it(
    history: tuple[list[int], list[int]], seen: int, done_by_second: int
) -> None:
    """Three assignments after each other, the second of which crashes or stops early."""
    offsets, order = history
    first = OffsetTracker()
    for offset in offsets:
        first.take(offset, written(offset))
    for offset in order:
        first.done(offset)
    done = set(order)
    commit = first.to_commit()
    for _ in range(2):
        if commit is None or not commit.metadata:
            return
        rest = [o for o in offsets if o >= commit.offset][: max(seen, 1)]
        tracker = OffsetTracker()
        tracker.take(rest[0], written(rest[0]))
        assert tracker.resume(decode(commit.metadata))
        worked = 0
        for offset in rest:
            if offset != rest[0]:
                tracker.take(offset, written(offset))
            assert tracker.done_before(offset) == (offset in done)
            if offset in done:
                tracker.done(offset)
        for offset in rest:
            if offset not in done and worked < done_by_second:
                worked += 1
                tracker.done(offset)
                done.add(offset)
        commit = tracker.to_commit()
        if commit is not None and commit.metadata:
            runs = decode(commit.metadata).runs
            claimed = {o for o in offsets if any(s <= o < e for s, e in runs)}
            assert claimed == {o for o in done if o > commit.offset}


def test_what_was_done_of_a_log_that_was_made_anew_is_not_taken_over() -> None:
    old = OffsetTracker()
    for offset in range(3):
        old.take(offset, written(offset))
    old.done(2)
    commit = old.to_commit()
    assert commit is not None
    completed = decode(commit.metadata)
    for offset, at in ((0, written(0) + timedelta(days=1)), (1, written(0))):
        new = OffsetTracker()
        new.take(offset, at)
        assert not new.resume(completed)
        assert not new.done_before(2)


def test_nothing_is_to_commit_before_anything_is_done() -> None:
    tracker = OffsetTracker()
    assert tracker.to_commit() is None
    tracker.take(7, written(7))
    assert tracker.to_commit() is None


def test_what_is_not_acknowledged_stays_to_be_committed() -> None:
    tracker = OffsetTracker()
    tracker.take(7, written(7))
    tracker.done(7)
    commit = tracker.to_commit()
    assert commit is not None
    assert commit == tracker.to_commit()
    assert (commit.offset, commit.metadata) == (8, "")
    tracker.committed(commit)
    assert tracker.to_commit() is None


def test_a_late_acknowledgement_of_less_takes_nothing_back() -> None:
    tracker = OffsetTracker()
    commits = []
    for offset in (0, 1):
        tracker.take(offset, written(offset))
        tracker.done(offset)
        commits.append(tracker.to_commit())
    for commit in reversed(commits):
        assert commit is not None
        tracker.committed(commit)
    assert tracker.to_commit() is None


def test_an_offset_is_taken_and_done_only_once() -> None:
    tracker = OffsetTracker()
    tracker.take(3, written(3))
    with pytest.raises(ValueError, match="below 4"):
        tracker.take(3, written(3))
    tracker.done(3)
    with pytest.raises(ValueError, match="not being worked on"):
        tracker.done(3)
