"""MongoDB made again from the topics holds what the live one holds."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
from motor.motor_asyncio import AsyncIOMotorClient

from e2e.customers import Said, on_telegram, on_whatsapp, say
from recado.schemas import topics
from recado.schemas.events import (
    Event,
    HandoffReleased,
    HandoffRequested,
    MessageReceived,
    OperatorReplied,
    WebhookReceived,
)
from recado.servicekit.kafka import Publisher, make_event_producer
from support.command import recado
from support.rebuilt import differences, told
from support.world import World, eventually

COLLECTIONS = ("users", "conversations", "messages", "deliveries", "statuses", "webhooks")


async def test_the_rebuilt_database_is_the_live_one(world: World) -> None:
    """Questions, commands, leaving and coming back, a person who takes over: all of it again.

    Of the live database only what these customers have to do with is looked at: other tests use it
    at the same time, and some write into it.
    """
    (chat,) = await world.new_chats(1)
    await world.make_known(numbers=["3460910001"])
    here = (on_whatsapp(910001, "Hola", "El internet va lento", "/reset", "¿Cómo cambio la clave?"),
            on_telegram(chat, "/start", "¿Por qué mi internet está lento?", "BAJA"))  # fmt: skip
    await say(world, *here)
    silent = on_telegram(chat, "¿Y la televisión?")
    await _post(world, silent)
    await say(world, on_whatsapp(910001, "ALTA", "¿Dónde veo mi factura?"))
    conversations = await _conversations(world, str(chat), "3460910001")
    await _a_person_takes_over(world, conversations)
    await _recorded(world, conversations)

    database = f"rebuilt-{uuid4().hex[:8]}"
    shown, _ = await recado(world.environment, "rebuild", "--into", database, "--json")
    found = json.loads(shown)
    assert found["documents"]["messages"] >= 14
    assert found["events"]["answer.delivered"] >= 7

    live, again = await _all(world, world.settings.mongodb_database), await _all(world, database)
    ours = _ours(live, conversations)
    assert {name: len(ours[name]) for name in ("users", "conversations")} == {
        "users": 2,
        "conversations": 2,
    }
    assert len(ours["webhooks"]) == 6
    assert len(ours["deliveries"]) >= 9
    assert list(differences(ours, _ours(again, conversations))) == []
    assert len(ours["messages"]) >= 15

    _, refused = await recado(world.environment, "rebuild", "--into", database, status=1)
    assert f"the database {database} is not empty" in refused


async def _post(world: World, said: Said) -> None:
    async with httpx.AsyncClient(timeout=20) as http:
        for post in said.posts:
            assert (await world.post(http, post)).status_code == 200


async def _conversations(world: World, *chats: str) -> dict[str, MessageReceived]:
    """The last message of each conversation with these chats."""
    return {
        event.conversation: event
        for event in await world.events(topics.MESSAGES, MessageReceived)
        if event.reply_to.chat in chats
    }


async def _a_person_takes_over(world: World, conversations: Mapping[str, MessageReceived]) -> None:
    now = datetime.now(UTC)
    events: list[Event] = []
    for conversation, message in conversations.items():
        same = {"conversation": conversation, "occurred_at": now}
        events += [
            HandoffRequested(id=uuid4(), reason="asked for a person", **same),
            OperatorReplied(
                id=uuid4(),
                reply_to=message.reply_to,
                operator="marta",
                text="Te escribe **Marta**.",
                deadline=now + timedelta(minutes=5),
                **same,
            ),
            HandoffReleased(id=uuid4(), operator="marta", **same),
        ]
    producer = make_event_producer(world.settings, "test")
    await producer.start()
    try:
        await Publisher(producer, "test").publish(*events)
    finally:
        await producer.stop()


async def _recorded(world: World, conversations: Mapping[str, MessageReceived]) -> None:
    """Return when all that is in the topics about these is in MongoDB, statuses included."""
    await world.settle()
    webhooks = {str(event.id) for event in await world.events(topics.WEBHOOKS, WebhookReceived)}

    async def all_there() -> bool:
        rows = await world.rows("webhooks")
        last = [
            row
            for name in conversations
            for row in await world.rows("messages", {"conversation": name, "role": "assistant"})
            if row.get("operator")
        ]
        return webhooks <= {str(row["_id"]) for row in rows} and len(last) == len(conversations)

    await eventually(all_there, "all webhooks and the person's replies in MongoDB")
    await world.settle()


async def _all(world: World, database: str) -> dict[str, dict[str, object]]:
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(
        world.settings.mongodb_url, tz_aware=True
    )
    try:
        return {
            name: dict(told(name, [row async for row in client[database][name].find()]))
            for name in COLLECTIONS
        }
    finally:
        client.close()


def _ours(
    rows: Mapping[str, Mapping[str, object]], conversations: Mapping[str, MessageReceived]
) -> dict[str, dict[str, object]]:
    """What belongs to these conversations."""
    chats = {message.reply_to.chat for message in conversations.values()}
    found: dict[str, dict[str, object]] = {}
    for collection, documents in rows.items():
        found[collection] = {
            identity: row
            for identity, row in documents.items()
            if isinstance(row, Mapping)
            and (
                identity in conversations
                or row.get("conversation") in conversations
                or row.get("user_id") in chats
            )
        }
    events = set(found["messages"])
    found["webhooks"] = {
        identity: row
        for identity, row in rows["webhooks"].items()
        if isinstance(row, Mapping) and events & set(_list(row.get("event_ids")))
    }
    return found


def _list(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
