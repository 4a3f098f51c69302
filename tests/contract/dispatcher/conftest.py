"""The document stores that keep one contract: the fake of the unit tests and MongoDB."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from recado.devstack.stack.mongodb import MongoDb
from recado.dispatcher.ports import Documents
from recado.dispatcher.store import MongoDocuments, ensure_indexes
from support.memory_documents import MemoryDocuments


@pytest.fixture(params=["memory", "mongodb"])
def server(request: pytest.FixtureRequest) -> MongoDb | None:
    """MongoDB, started on first use, or None for the fake."""
    if request.param == "memory":
        return None
    mongodb: MongoDb = request.getfixturevalue("mongodb")
    return mongodb


@pytest.fixture
async def documents(server: MongoDb | None) -> AsyncIterator[Documents]:
    """A store with its indexes and nothing in it."""
    if server is None:
        yield MemoryDocuments()
        return
    database = f"d{uuid4().hex}"
    await ensure_indexes(server.url, database)
    store = MongoDocuments(server.url, database, timeout=timedelta(seconds=20))
    yield store
    store.close()
