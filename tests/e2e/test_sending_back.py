"""`recado dead-letters`: broken records are mended by hand and sent back."""

import json
from datetime import UTC, datetime
from pathlib import Path

from recado.schemas import ids
from recado.schemas.conversations import User
from recado.schemas.encoding import encode
from recado.schemas.events import MessageReceived
from recado.servicekit.kafka import make_producer
from support.command import recado
from support.examples import MESSAGE_RECEIVED, TELEGRAM_CHAT
from support.world import World, eventually


async def test_three_dead_letters_are_mended_sent_back_and_answered_once(
    world: World, tmp_path: Path
) -> None:
    """Broken records are exported, mended by hand and sent back, of rag and dispatcher alike."""
    customers = [str(chat) for chat in await world.new_chats(3)]
    whole = {}
    producer = make_producer(world.settings, "test")
    await producer.start()
    try:
        for customer in customers:
            record = encode(a_message(customer), source="ingress")
            whole[record.key.decode()] = record.value.decode()
            await producer.send_and_wait(
                record.topic,
                key=record.key,
                value=record.value[: len(record.value) // 2],
                headers=list(record.headers),
            )
    finally:
        await producer.stop()
    await world.settle()

    for service in ("rag", "dispatcher"):
        file = tmp_path / f"{service}.jsonl"
        dead = ("dead-letters", service)
        await recado(world.environment, *dead, "--export", str(file))
        letters = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        ours = [letter for letter in letters if letter["key"] in whole]
        assert len(ours) == 3
        assert all(whole[letter["key"]].startswith(letter["value_text"]) for letter in ours)

        again = (*dead, "--redrive-from", str(file), "--yes", "--json")
        write_lines(file, ours)
        refused, _ = await recado(world.environment, *again)
        assert [one["reason"] for one in json.loads(refused)["refused"]] == [
            "no event yet: not a recado.message.received.v1: value"
        ] * 3
        write_lines(file, [one | {"value": json.loads(whole[one["key"]])} for one in ours])
        sent, _ = await recado(world.environment, *again)
        assert len(json.loads(sent)["redriven"]) == 3
        _, errors = await recado(world.environment, *again, status=1)
        assert "was sent back already" in errors

        async def all_answered() -> bool:
            chats = {str(one["chat"]) for one in await world.received("telegram")}
            return chats >= set(customers)

        await eventually(all_answered, "an answer to each mended message")
        await world.settle()
        for customer in customers:
            (answer,) = await world.received("telegram", customer)
            assert "asistente automático" in str(answer["text"])


def a_message(customer: str) -> MessageReceived:
    """A message that asks for help, of this customer on Telegram."""
    chat = TELEGRAM_CHAT.model_copy(update={"chat": customer})
    return MESSAGE_RECEIVED.model_copy(
        update={
            "id": ids.message_id("telegram-demo", "message", customer, "1"),
            "occurred_at": datetime.now(UTC),
            "conversation": ids.conversation_key("telegram", "telegram-demo", customer),
            "reply_to": chat,
            "user": User(id=customer),
            "platform_message_id": "1",
            "text": "/ayuda",
        }
    )


def write_lines(file: Path, lines: list[dict[str, object]]) -> None:
    file.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
