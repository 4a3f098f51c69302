"""The thresholds are the embedder's own unless an operator has measured others."""

import pytest

from recado.knowledge.testing import WordEmbedder
from recado.rag.choices import thresholds
from recado.rag.extractive import Thresholds
from recado.rag.settings import RagSettings


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Thresholds(0.5, 0.59)),
        ({"RECADO_NO_ANSWER_SIMILARITY": "0.7"}, Thresholds(0.7, 0.79)),
        ({"RECADO_NO_ANSWER_SIMILARITY": "0"}, Thresholds(0.0, 0.09)),
        ({"RECADO_WEAK_SIMILARITY": "0.55"}, Thresholds(0.5, 0.55)),
    ],
)
def test_an_operator_s_threshold_goes_before_the_embedder_s(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: Thresholds
) -> None:
    for name in ("RECADO_NO_ANSWER_SIMILARITY", "RECADO_WEAK_SIMILARITY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    embedder = WordEmbedder()
    embedder.no_answer_similarity = 0.5
    chosen = thresholds(RagSettings(), embedder)
    assert chosen.no_answer == pytest.approx(expected.no_answer)
    assert chosen.weak == pytest.approx(expected.weak)
