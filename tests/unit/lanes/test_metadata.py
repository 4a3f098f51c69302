"""What is done beyond the first gap survives its way through a commit's metadata, or is ignored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado_lanes.metadata import (
    LIMIT,
    MARK,
    Completed,
    UnreadableMetadata,
    decode,
    encode,
    encoded_length_at_most,
)

OFFSETS = st.integers(0, 2**62)


@st.composite
def completions(draw: st.DrawFn, longest: int = 200) -> Completed:
    base = draw(OFFSETS)
    lengths = draw(st.lists(st.tuples(st.integers(1, longest), st.integers(1, longest))))
    runs, at = [], base
    for open_length, done_length in lengths:
        runs.append((at + open_length, at + open_length + done_length))
        at = runs[-1][1]
    return Completed(base, draw(st.integers(0, 2**50)), tuple(runs))


@given(completions())
def test_what_fits_is_read_back_as_it_was_written(completed: Completed) -> None:
    text = encode(completed, limit=10**9)
    assert text == "" if not completed.runs else decode(text) == completed
    assert text.isascii()


@given(completions(), st.integers(60, LIMIT))
def test_what_does_not_fit_is_cut_at_its_end_and_claims_nothing_more(
    completed: Completed, limit: int
) -> None:
    text = encode(completed, limit=limit)
    assert len(text) <= limit
    if not text:
        return
    read = decode(text)
    assert (read.base, read.written) == (completed.base, completed.written)
    done = {o for start, end in completed.runs for o in range(start, end)}
    claimed = {o for start, end in read.runs for o in range(start, end)}
    assert claimed == {o for o in done if o <= max(claimed)}


@given(completions(longest=3))
def test_its_length_is_bounded_by_the_span(completed: Completed) -> None:
    if completed.runs:
        span = completed.runs[-1][1] - completed.base
        assert len(encode(completed, limit=10**9)) <= encoded_length_at_most(span)


def test_one_slow_record_with_a_million_done_behind_it_takes_some_letters() -> None:
    assert len(encode(Completed(5, 1_700_000_000_000, ((6, 1_000_006),)))) < 40


@given(st.text(max_size=100))
def test_a_foreign_text_is_unreadable_and_nothing_worse(text: str) -> None:
    with pytest.raises(UnreadableMetadata):
        decode(text)


@given(st.text("ABCabc019-_=é", max_size=60))
def test_a_text_with_our_mark_and_no_sense_is_unreadable_and_nothing_worse(text: str) -> None:
    with pytest.raises(UnreadableMetadata):
        decode(MARK + text)


@given(completions(), st.data())
def test_a_damaged_text_is_unreadable(completed: Completed, data: st.DataObject) -> None:
    text = encode(completed)
    if not text:
        return
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(UnreadableMetadata):
        decode(text[:cut])
