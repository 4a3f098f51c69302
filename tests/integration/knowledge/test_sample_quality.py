"""The sample's questions find their pages, and what has nothing to do with them is told apart."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recado.knowledge import SearchResult, chunk_document
from recado.knowledge.embedders.use import NO_ANSWER_SIMILARITY, UseEmbedder
from recado.knowledge.lancedb import LanceKnowledgeBase
from support.sample import QUESTIONS, documents

MARGIN = 0.015
"""What lies between the threshold and any question of the sample, on either side."""

OFF_TOPIC = [
    "¿Quién ganó el mundial?",
    "como hago una torta de chocolate",
    "cual es la capital de francia",
    "me duele la cabeza que tomo",
    "contame un chiste",
    "quien es el presidente de argentina",
    "cuanto es 25 por 47",
    "que tiempo hace mañana en lima",
    "como se juega al ajedrez",
    "cuantos años vive un perro",
]


@pytest.fixture(scope="module")
def embedder() -> UseEmbedder:
    return UseEmbedder()


@pytest.fixture
async def base(tmp_path: Path, embedder: UseEmbedder) -> AsyncIterator[LanceKnowledgeBase]:
    base = LanceKnowledgeBase(tmp_path, embedder)
    for document in documents():
        await base.replace(document, chunk_document(document))
    yield base
    await base.close()


async def test_the_sample_s_questions_find_their_pages(base: LanceKnowledgeBase) -> None:
    """At least 19 of 20 first, and as a rule with the answer's words in the very first passage;
    none is taken for off-topic, with something to spare."""
    ranks: list[int] = []
    quoted = {1: 0, 5: 0}
    results: list[SearchResult] = []
    for asked in QUESTIONS:
        result = await base.search(asked["question"], 20)
        pages = list(dict.fromkeys(found.source for found in result.passages))
        ranks.append(pages.index(asked["page"]) + 1 if asked["page"] in pages else 99)
        words = asked["contains"].lower()
        for k in quoted:
            quoted[k] += any(words in found.text.lower() for found in result.passages[:k])
        results.append(result)
    recall = {k: sum(rank <= k for rank in ranks) for k in (1, 3, 5)}
    least = min(result.similarity for result in results)
    median = sorted(result.took for result in results)[len(results) // 2]
    print(
        f"\nof {len(QUESTIONS)}: R@1 {recall[1]}, R@3 {recall[3]}, R@5 {recall[5]};"
        f" answer's words in the first passage {quoted[1]}, among five {quoted[5]};"
        f" least similarity {least:.3f}; median {median.total_seconds() * 1e3:.1f} ms"
    )
    assert recall[1] >= 19
    assert recall[5] == len(QUESTIONS)
    assert quoted[1] >= 18
    assert quoted[5] >= 19
    assert least >= NO_ANSWER_SIMILARITY + MARGIN


async def test_off_topic_questions_fall_below_the_threshold(base: LanceKnowledgeBase) -> None:
    similarities = [(await base.search(question)).similarity for question in OFF_TOPIC]
    print("\noff-topic:", sorted(round(similarity, 2) for similarity in similarities))
    assert max(similarities) <= NO_ANSWER_SIMILARITY - MARGIN
