"""The document stores that keep one contract: the fake of the unit tests and MongoDB.

And MongoDB as the dispatcher uses it, with changes and reads that are gathered.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from recado.devstack.stack.mongodb import MongoDb
from recado.dispatcher.gathered import GatheredDocuments
from recado.dispatcher.ports import Documents
from recado.dispatcher.preparing import make_indexes
from recado.dispatcher.store import MongoDocuments
from support.memory_documents import MemoryDocuments


@pytest.fixture(params=["memory", "mongodb", "gathered"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which of them."""
    kind: str = request.param
    return kind


@pytest.fixture
def server(request: pytest.FixtureRequest, kind: str) -> MongoDb | None:
    """MongoDB, started on first use, or None for the fake."""
    if kind == "memory":
        return None
    mongodb: MongoDb = request.getfixturevalue("mongodb")
    return mongodb


@pytest.fixture
async def documents(server: MongoDb | None, kind: str) -> AsyncIterator[Documents]:
    """A store with its indexes and nothing in it: no validators, for tests write what they like."""
    if server is None:
        yield MemoryDocuments()
        return
    database = f"d{uuid4().hex}"
    store = MongoDocuments(server.url, database, timeout=timedelta(seconds=20))
    await make_indexes(store._database)
    if kind == "gathered":
        gathered = GatheredDocuments(store)
        yield gathered
        await gathered.close()
    else:
        yield store
    store.close()
