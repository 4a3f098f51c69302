"""What MongoDB refuses to hold, and what it says of validators that are not the dispatcher's."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from uuid import uuid4

import pytest

from recado.devstack.stack.mongodb import MongoDb
from recado.dispatcher import preparing
from recado.dispatcher.errors import InvalidDocument, StoreRefuses
from recado.dispatcher.gathered import GatheredDocuments
from recado.dispatcher.ports import Change, Name
from recado.dispatcher.shapes import VERSION, validators, version_of
from recado.dispatcher.store import MongoDocuments
from recado_lanes import Permanent
from support.dispatching import NOW, World, answer, message

WHOLE: Mapping[Name, Mapping[str, object]] = {
    Name.USERS: {"platform": "whatsapp", "integration": "wa", "user_id": "1"},
    Name.CONVERSATIONS: {"is_active": True, "introduced": False, "recent": []},
    Name.MESSAGES: {"conversation": "c", "role": "user"},
    Name.DELIVERIES: {
        "conversation": "c",
        "text": "hola",
        "at": NOW,
        "offset": 1,
        "parts": [{"content": {"text": "hola"}, "state": "pending"}],
        "created_at": NOW,
        "expires_at": NOW,
    },
    Name.WEBHOOKS: {"received_at": NOW, "expires_at": NOW, "outcome": "accepted", "payload": ""},
    Name.STATUSES: {"integration": "wa", "platform_message_id": "1", "expires_at": NOW},
}

WRONG: Mapping[Name, Mapping[str, object]] = {
    Name.USERS: {"aliases": "ana"},
    Name.CONVERSATIONS: {"closed_by": "somebody"},
    Name.MESSAGES: {"at": "2026-11-23"},
    Name.DELIVERIES: {"parts": [{"content": {"text": "hola"}, "state": "gone"}]},
    Name.WEBHOOKS: {"payload": {"a": 1}},
    Name.STATUSES: {"reports": []},
}


@pytest.fixture
async def store(mongodb: MongoDb) -> AsyncIterator[MongoDocuments]:
    """A prepared database."""
    documents = MongoDocuments(mongodb.url, f"v{uuid4().hex}", timeout=timedelta(seconds=20))
    await documents.prepare()
    yield documents
    documents.close()


def written(name: Name, fields: Mapping[str, object], row_id: str = "1") -> Change:
    return Change(name, row_id, {"$set": dict(fields)}, upsert=True)


@pytest.mark.parametrize("name", Name)
async def test_a_document_that_lacks_what_it_must_have_or_has_another_type_is_refused(
    store: MongoDocuments, name: Name
) -> None:
    """And nothing of it is written; one that has it all is taken, with fields nobody knows."""
    whole = WHOLE[name]
    for lacking in whole:
        with pytest.raises(InvalidDocument):
            await store.update(
                written(name, {key: one for key, one in whole.items() if key != lacking})
            )
    with pytest.raises(InvalidDocument):
        await store.apply([written(name, {**whole, **WRONG[name]})])
    assert await store.read(name, "1") is None
    await store.apply([written(name, {**whole, "of_a_newer_dispatcher": 1})])
    with pytest.raises(InvalidDocument):
        await store.apply([written(name, WRONG[name])])


async def test_one_that_is_refused_costs_those_that_went_with_it_nothing(
    store: MongoDocuments,
) -> None:
    """Changes of many conversations go in one request."""
    gathered = GatheredDocuments(store)
    results = await asyncio.gather(
        *(
            gathered.apply(
                [written(Name.MESSAGES, WHOLE[Name.MESSAGES] if n != 3 else {"role": 1}, str(n))]
            )
            for n in range(6)
        ),
        return_exceptions=True,
    )
    await gathered.close()
    assert [isinstance(one, InvalidDocument) for one in results] == [n == 3 for n in range(6)]


async def test_what_we_write_wrongly_is_a_dead_letter_that_says_why(
    store: MongoDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recado.dispatcher.recording.message_row", lambda *_: {"at": NOW})
    with pytest.raises(Permanent, match="has not the shape of its collection"):
        await World(store).take(message(1))
    await World(store).take(answer(2))


async def test_a_newer_dispatcher_s_validators_stay(store: MongoDocuments) -> None:
    """While services roll out the older one starts again, and must not take anything back."""
    newer = {"$jsonSchema": {"title": f"Recado's users, version {VERSION + 1}"}}
    await store._database.command("collMod", "users", validator=newer)
    await store.prepare()
    assert await _held(store, "users") == newer


async def test_an_older_dispatcher_s_are_replaced(
    store: MongoDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = {
        name: {"$jsonSchema": {"title": f"Recado's {name}, version {VERSION + 1}"}} for name in Name
    }
    monkeypatch.setattr(preparing, "VERSION", VERSION + 1)
    monkeypatch.setattr(preparing, "validators", lambda: newer)
    await store.prepare()
    assert {name: await _held(store, name) for name in Name} == newer


@pytest.mark.parametrize(
    "other", [{"$jsonSchema": {"required": ["name"]}}, {"$jsonSchema": {"title": "changed"}}]
)
async def test_a_validator_that_is_not_ours_is_told_and_left(
    store: MongoDocuments, other: Mapping[str, object]
) -> None:
    """Somebody wanted it; what we write might not fit."""
    await store._database.command("collMod", "messages", validator=other)
    with pytest.raises(StoreRefuses, match="the validator of messages is another"):
        await store.prepare()
    assert await _held(store, "messages") == other


async def test_collections_that_were_there_before_get_theirs(
    mongodb: MongoDb,
) -> None:
    """Of a dispatcher that made none; what is in them stays."""
    documents = MongoDocuments(mongodb.url, f"v{uuid4().hex}", timeout=timedelta(seconds=20))
    await documents.insert(Name.USERS, {"_id": "old"})
    await documents.prepare()
    assert version_of(await _held(documents, "users")) == VERSION
    assert await documents.read(Name.USERS, "old") == {"_id": "old"}
    documents.close()


def test_every_collection_has_one() -> None:
    assert {name: version_of(one) for name, one in validators().items()} == dict.fromkeys(
        Name, VERSION
    )


async def _held(documents: MongoDocuments, name: str) -> Mapping[str, object]:
    (found,) = [
        one async for one in await documents._database.list_collections(filter={"name": name})
    ]
    validator: Mapping[str, object] = found["options"]["validator"]
    return validator
