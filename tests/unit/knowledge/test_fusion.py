"""How similarity and word score become one rank."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.knowledge.fusion import fuse

CANDIDATES = st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 50)), min_size=1, max_size=100)


def test_the_best_in_both_is_1_and_the_worst_in_both_is_0() -> None:
    assert fuse([0.8, 0.2], [12.0, 0.0]) == [pytest.approx(1.0), pytest.approx(0.0)]


def test_the_weight_decides_between_meaning_and_words() -> None:
    assert fuse([0.8, 0.2], [0.0, 12.0], dense_weight=0.6) == pytest.approx([0.6, 0.4])
    assert fuse([0.8, 0.2], [0.0, 12.0], dense_weight=0.3) == pytest.approx([0.3, 0.7])


def test_a_weak_word_match_stays_weak() -> None:
    """The word scores' zero is kept: the worst of two matches does not count as no match."""
    scores = fuse([0.5, 0.5, 0.5], [10.0, 9.0, 0.0], dense_weight=0.5)
    assert scores[0] > scores[1] > scores[2]
    assert scores[1] - scores[2] == pytest.approx(0.45)


def test_without_matching_words_only_meaning_orders() -> None:
    scores = fuse([0.1, 0.3, 0.2], [0.0, 0.0, 0.0])
    assert sorted(range(3), key=lambda index: -scores[index]) == [1, 2, 0]


def test_no_candidates_give_no_scores() -> None:
    assert fuse([], []) == []


@given(CANDIDATES, st.floats(0, 1))
def test_scores_stay_between_0_and_1(candidates: list[tuple[float, float]], weight: float) -> None:
    for score in fuse([a for a, _ in candidates], [b for _, b in candidates], weight):
        assert -1e-9 <= score <= 1 + 1e-9
