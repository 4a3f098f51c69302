"""Hybrid ranking: similarity of vectors and score of words made one number.

Both are brought to 0..1 over the candidates of one search and added by weight. Adding up ranks
instead (reciprocal rank fusion with equal weights) was measured to be worse than vectors alone.
"""

from collections.abc import Sequence

DENSE_WEIGHT = 0.6
"""The share of the vectors; the rest is the words'.

Two sets of Spanish questions agree on the neighbourhood, not on the value: colloquial ones with
typing errors are best at 0.7, the sample's, which use more of the pages' words, at 0.5.
"""


def fuse(
    similarities: Sequence[float],
    word_scores: Sequence[float],
    dense_weight: float = DENSE_WEIGHT,
) -> list[float]:
    """The fused score, 0..1, of each candidate.

    `word_scores` are BM25's, 0 where no word matches; so their zero is kept and only the best
    becomes 1. Similarities have no natural zero: the least similar candidate becomes 0.
    """
    if not similarities:
        return []
    lowest, highest = min(similarities), max(similarities)
    spread = highest - lowest
    best_words = max(word_scores)
    fused = []
    for similarity, words in zip(similarities, word_scores, strict=True):
        dense = (similarity - lowest) / spread if spread > 0 else 1.0
        lexical = words / best_words if best_words > 0 else 0.0
        fused.append(dense_weight * dense + (1 - dense_weight) * lexical)
    return fused
