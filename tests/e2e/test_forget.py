"""A customer is forgotten by one command, through Kafka, in MongoDB and in what rag remembers."""

import json

from e2e.customers import Said, on_telegram, say
from support.command import recado
from support.world import World

COLLECTIONS = ("users", "conversations", "messages", "deliveries", "statuses", "webhooks")


async def everything(world: World) -> str:
    return repr([[dict(row) for row in await world.rows(name)] for name in COLLECTIONS])


async def test_a_customer_is_forgotten_and_may_come_back(world: World) -> None:
    """What was said is nowhere in MongoDB; what they ask later is answered as to a stranger."""
    (chat,) = await world.new_chats(1)
    secret = f"mi router {chat} no enciende"
    await say(world, on_telegram(chat, secret, "¿Y si lo reinicio?"))
    assert secret in await everything(world)

    shown, _ = await recado(world.environment, "forget", str(chat), "--dry-run", "--json")
    assert json.loads(shown)["conversations"] == [f"telegram:telegram-demo:{chat}"]
    assert secret in await everything(world)

    shown, _ = await recado(world.environment, "forget", str(chat), "--yes", "--json")
    told = json.loads(shown)
    assert told["erased"]["messages"] >= 3
    assert set(told["stays_until"]) >= {"recado.messages", "recado.webhooks"}
    assert str(chat) not in await everything(world)

    later = on_telegram(chat, "", "", "", "¿Y si lo reinicio?")
    await say(world, Said(later.messages[3:], later.posts[3:]))
    answer = (await world.received("telegram", str(chat)))[-1]
    assert "asistente automático" in str(answer["text"])

    _, refused = await recado(world.environment, "forget", "nobody-of-ours", "--yes", status=1)
    assert "There is no user nobody-of-ours" in refused
