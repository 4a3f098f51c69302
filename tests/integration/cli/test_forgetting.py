"""Whom and what `recado forget` finds, on MongoDB's stand-in."""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from recado.devstack.stack.mongodb import MongoDb
from support.command import recado

OLD, NEW, OTHER = "593991111111", "593992222222", "593993333333"
ANA, ANA_NOW, ZOE = (f"whatsapp:wa:{number}" for number in (OLD, NEW, OTHER))
GROUP = "whatsapp:wa:group-77"
WEBHOOKS = [str(uuid4()) for _ in range(4)]


@pytest.fixture
async def environment(mongodb: MongoDb) -> AsyncIterator[dict[str, str]]:
    """Ana, whose number was changed; Zoe, who has her former username; a group of both."""
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(mongodb.url)
    name = f"d{uuid4().hex}"
    database = client[name]
    account = {"platform": "whatsapp", "integration": "wa"}
    await database["users"].insert_many(
        [
            {"_id": ANA, "user_id": OLD, "aliases": ["ana", NEW], **account},
            {"_id": ANA_NOW, "user_id": NEW, "aliases": [OLD], **account},
            {"_id": ZOE, "user_id": OTHER, "aliases": ["ana"], **account},
        ]
    )
    await database["conversations"].insert_many(
        [
            {"_id": ANA, "user": ANA, "chat": OLD},
            {"_id": ANA_NOW, "user": ANA_NOW, "chat": NEW},
            {"_id": ZOE, "user": ZOE, "chat": OTHER},
            {"_id": GROUP, "user": ZOE, "chat": "group-77"},
        ]
    )
    said = ((ANA, ANA), (ANA_NOW, ANA_NOW), (GROUP, ANA_NOW), (GROUP, ZOE))
    await database["messages"].insert_many(
        [
            {"_id": str(uuid4()), "conversation": where, "user": who, "webhook_id": webhook}
            for (where, who), webhook in zip(said, WEBHOOKS, strict=True)
        ]
    )
    await database["messages"].insert_one({"_id": str(uuid4()), "conversation": ANA})
    status: dict[str, object] = {"_id": str(uuid4()), "payload": f'{{"recipient_id": "{NEW}"}}'}
    await database["webhooks"].insert_one(status)
    yield {"RECADO_MONGODB_URL": mongodb.url, "RECADO_MONGODB_DATABASE": name}
    await client.drop_database(name)
    client.close()


@pytest.mark.parametrize("typed", [OLD, "+593 99 222 2222", ANA])
async def test_a_customer_is_found_by_every_id_they_have_had_and_nobody_else_is(
    environment: dict[str, str], typed: str
) -> None:
    """In a group only what they wrote is theirs. Usernames change hands and link nobody."""
    shown, _ = await recado(environment, "forget", typed, "--dry-run", "--json")
    told = json.loads(shown)
    assert told["users"] == [ANA, ANA_NOW]
    assert told["conversations"] == sorted([ANA, ANA_NOW, GROUP])
    assert told["to_erase"] == {"messages": 4, "deliveries": 0, "webhooks": 4}


async def test_it_says_what_would_be_erased_whole_and_what_in_part(
    environment: dict[str, str],
) -> None:
    shown, _ = await recado(environment, "forget", NEW, "--dry-run")
    (group,) = [line for line in shown.splitlines() if GROUP in line]
    assert "what they wrote" in group
    assert "recado.messages" in shown


async def test_it_asks_before_it_erases_and_json_is_for_programs_that_said_so(
    environment: dict[str, str],
) -> None:
    """Nobody answers here: nothing is erased."""
    await recado(environment, "forget", NEW, status=1)
    _, refused = await recado(environment, "forget", NEW, "--json", status=2)
    assert "--json needs --yes or --dry-run" in refused
