"""Gathered changes when MongoDB is killed: what was told to be made is there afterwards."""

import asyncio
from datetime import timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4

from recado.devstack.stack.mongodb import SecantusDb
from recado.devstack.stack.ports import free_port
from recado.dispatcher.errors import StoreUnavailable
from recado.dispatcher.gathered import GatheredDocuments
from recado.dispatcher.ports import Change, Name
from recado.dispatcher.store import MongoDocuments

CALLERS = 16
BEFORE = 200
"""Changes that are made when the server is killed, with others under way."""


async def test_what_was_made_survives_kill_9_and_who_was_not_told_so_is_told_that_it_is_away(
    tmp_path: Path,
) -> None:
    """Every caller of the requests under way gets `StoreUnavailable`; all of them go on after."""
    server = SecantusDb(tmp_path / "mongodb", port=free_port(), environment={})
    await server.start()
    database = f"d{uuid4().hex}"
    store = MongoDocuments(server.url, database, timeout=timedelta(seconds=2))
    gathered = GatheredDocuments(store)
    numbers = count()
    made: list[str] = []
    away = 0
    enough, killed = asyncio.Event(), asyncio.Event()

    async def change() -> None:
        name = str(next(numbers))
        change = Change(Name.MESSAGES, name, {"$set": {"kind": "text"}}, upsert=True)
        assert list(await gathered.apply([change])) == [True]
        made.append(name)

    async def caller() -> None:
        nonlocal away
        while not killed.is_set():
            try:
                await change()
            except StoreUnavailable:
                away += 1
                return
            if len(made) >= BEFORE:
                enough.set()

    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            for _ in range(CALLERS):
                tasks.create_task(caller())
            await enough.wait()
            await server.kill9()
            killed.set()
        assert len(made) >= BEFORE
        assert away > 0
        await server.start()
        before = len(made)
        async with asyncio.timeout(30):
            await asyncio.gather(*(change() for _ in range(CALLERS)))
        assert len(made) == before + CALLERS
        found = await store.read_many(Name.MESSAGES, made)
        assert {row["_id"] for row in found} == set(made)
        await gathered.close()
    finally:
        await server.kill9()
        store.close()
