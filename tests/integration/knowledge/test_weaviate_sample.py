"""The sample's questions on Weaviate: as good as on the embedded store, and where it differs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recado.devstack.stack.weaviate import Weaviate
from recado.knowledge import KnowledgeBase, chunk_document
from recado.knowledge.embedders.use import UseEmbedder
from recado.knowledge.lancedb import LanceKnowledgeBase
from recado.knowledge.weaviate import WeaviateKnowledgeBase
from support.sample import QUESTIONS, documents
from support.weaviate_collections import address, own_collections


@pytest.fixture
async def bases(weaviate: Weaviate, tmp_path: Path) -> AsyncIterator[list[KnowledgeBase]]:
    """Weaviate and LanceDB, both with the sample's pages."""
    embedder = UseEmbedder()
    async with own_collections(weaviate) as prefix:
        bases: list[KnowledgeBase] = [
            WeaviateKnowledgeBase(address(weaviate), embedder, collection=prefix),
            LanceKnowledgeBase(tmp_path, embedder),
        ]
        for document in documents():
            for base in bases:
                await base.replace(document, chunk_document(document))
        yield bases
        for base in bases:
            await base.close()


async def test_the_sample_s_questions_find_their_pages_on_weaviate_too(
    bases: list[KnowledgeBase],
) -> None:
    """The page first for at least 19 of 20 and among five for all, the answer's words in the first
    passage for 18, and the same first passage as LanceDB gives for at least 18. Where not is
    printed."""
    first, found, quoted, same = 0, 0, 0, 0
    for asked in QUESTIONS:
        here, there = [await base.search(asked["question"]) for base in bases]
        pages = [passage.source for passage in here.passages]
        first += pages[0] == asked["page"]
        found += asked["page"] in pages
        quoted += asked["contains"].lower() in here.passages[0].text.lower()
        same += here.passages[0].id == there.passages[0].id
        if here.passages[0].id != there.passages[0].id:
            print(f"\n{asked['question']}")
            for name, result in (("weaviate", here), ("lancedb", there)):
                best = result.passages[0]
                print(f"  {name}: {best.source} {best.position} ({best.similarity:.2f})")
        assert here.similarity == pytest.approx(there.similarity, abs=0.1)
    print(f"\nof {len(QUESTIONS)}: page first {first}, words in the first {quoted}, same {same}")
    assert first >= 19
    assert found == len(QUESTIONS)
    assert quoted >= 18
    assert same >= 18
