"""MongoDB's stand-in keeps what was written with j=True, and an address takes its place."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from recado.devstack.stack.errors import AddressRefused
from recado.devstack.stack.mongodb import MongoDb, SecantusDb, choose_mongodb
from recado.devstack.stack.part import PartState
from recado.devstack.stack.ports import free_port
from support.running import run


@pytest.fixture
def own_mongodb(tmp_path: Path) -> Iterator[SecantusDb]:
    server = SecantusDb(tmp_path, port=free_port(), environment=os.environ)
    run(server.start())
    yield server
    run(server.kill9())


def numbers(url: str) -> list[int]:
    with MongoClient[dict[str, int]](url) as client:
        return sorted(one["number"] for one in client["recado"]["messages"].find())


def write(url: str, count: int) -> None:
    with MongoClient[dict[str, int]](url, w=1, journal=True) as client:
        for number in range(count):
            client["recado"]["messages"].insert_one({"number": number})


def test_journaled_writes_outlive_a_kill_minus_nine(own_mongodb: SecantusDb) -> None:
    write(own_mongodb.url, 50)
    run(own_mongodb.kill9())
    assert own_mongodb.state() is PartState.DEAD
    run(own_mongodb.start())
    assert numbers(own_mongodb.url) == list(range(50))


def test_a_restart_keeps_the_data(own_mongodb: SecantusDb) -> None:
    write(own_mongodb.url, 1)
    run(own_mongodb.restart())
    assert numbers(own_mongodb.url) == [0]


async def test_an_address_from_the_environment_is_used_and_never_stopped(
    mongodb: MongoDb, tmp_path: Path
) -> None:
    chosen = choose_mongodb(tmp_path, port=1, environment={"RECADO_MONGODB_URL": mongodb.url})
    await chosen.start()
    await chosen.stop()
    assert await mongodb.is_ready()


async def test_an_address_where_nothing_answers_is_refused_with_its_variable(
    tmp_path: Path,
) -> None:
    url = f"mongodb://127.0.0.1:{free_port()}/"
    chosen = choose_mongodb(tmp_path, port=1, environment={"RECADO_MONGODB_URL": url})
    with pytest.raises(AddressRefused, match="RECADO_MONGODB_URL"):
        await chosen.start()
