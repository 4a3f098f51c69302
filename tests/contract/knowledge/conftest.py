"""The stores under contract. A new store is one more branch in `connect`; no test changes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import pytest

from recado.devstack.stack.weaviate import Weaviate
from recado.knowledge.lancedb import LanceKnowledgeBase
from recado.knowledge.port import Embedder, KnowledgeBase
from recado.knowledge.testing import InMemoryKnowledgeBase, InMemoryStore, WordEmbedder
from recado.knowledge.weaviate import WeaviateKnowledgeBase
from support.knowledge import Connect
from support.weaviate_collections import address, own_collections

Store = Literal["memory", "lancedb"] | Weaviate


@pytest.fixture(params=["memory", "lancedb", "weaviate"])
def store(request: pytest.FixtureRequest) -> Store:
    """Which store, for Weaviate its server."""
    if request.param != "weaviate":
        embedded: Literal["memory", "lancedb"] = request.param
        return embedded
    server: Weaviate = request.getfixturevalue("weaviate")
    return server


@pytest.fixture
async def connect(store: Store, tmp_path: Path) -> AsyncIterator[Connect]:
    """Make another connection to one and the same store, empty at first. Closed at the end."""
    async with AsyncExitStack() as stack:
        new: Connect
        if store == "memory":
            memory = InMemoryStore()

            def new(embedder: Embedder) -> KnowledgeBase:
                return InMemoryKnowledgeBase(embedder, memory)

        elif store == "lancedb":

            def new(embedder: Embedder) -> KnowledgeBase:
                return LanceKnowledgeBase(tmp_path / "knowledge", embedder, maintain_every=4)

        else:
            server = store
            prefix = await stack.enter_async_context(own_collections(server))

            def new(embedder: Embedder) -> KnowledgeBase:
                return WeaviateKnowledgeBase(address(server), embedder, collection=prefix)

        def make(embedder: Embedder) -> KnowledgeBase:
            base = new(embedder)
            stack.push_async_callback(base.close)
            return base

        yield make


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
async def base(connect: Connect, embedder: WordEmbedder) -> KnowledgeBase:
    base = connect(embedder)
    await base.open()
    return base
