"""The stores under contract. A new store is one more branch in `connect`; no test changes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from recado.knowledge.lancedb import LanceKnowledgeBase
from recado.knowledge.port import Embedder, KnowledgeBase
from recado.knowledge.testing import InMemoryKnowledgeBase, InMemoryStore

Connect = Callable[[Embedder], KnowledgeBase]


@pytest.fixture(params=["memory", "lancedb"])
async def connect(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Connect]:
    """Make another connection to one and the same store, empty at first. Closed at the end."""
    store = InMemoryStore()
    async with AsyncExitStack() as connections:

        def make(embedder: Embedder) -> KnowledgeBase:
            base: KnowledgeBase
            if request.param == "memory":
                base = InMemoryKnowledgeBase(embedder, store)
            else:
                base = LanceKnowledgeBase(tmp_path / "knowledge", embedder, maintain_every=4)
            connections.push_async_callback(base.close)
            return base

        yield make
