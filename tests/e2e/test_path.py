"""A customer's question over the whole path: webhook, Kafka, rag, Kafka, dispatcher, platform."""

import time

import httpx
import pytest
import yaml

from recado.cli.asking import asker
from recado.devstack.sample import QUESTIONS
from recado.devstack.stack.integrations import (
    TELEGRAM_SECRET_TOKEN,
    WHATSAPP_APP_SECRET,
    WHATSAPP_PHONE_NUMBER_ID,
)
from recado.devstack.webhooks import WhatsAppText, telegram_post, whatsapp_post
from recado.schemas import topics
from recado.schemas.answers import Rung
from recado.schemas.base import Platform
from recado.schemas.events import AnswerDelivered, AnswerGenerated, MessageReceived
from support.world import World, eventually

SLOW_INTERNET = "¿Por qué mi internet está lento?"


@pytest.mark.parametrize(
    ("platform", "customer"), [(Platform.WHATSAPP, "34600000001"), (Platform.TELEGRAM, "700001")]
)
async def test_the_slow_internet_question_is_answered_with_its_page(
    world: World, platform: Platform, customer: str
) -> None:
    """The reply that the platform got cites the right page and says who answers."""
    async with asker(world.settings) as asking:
        reply = await asking.ask(SLOW_INTERNET, platform, customer=customer)
    assert reply.answer.citations[0].source == "internet-lento.md"
    assert "asistente automático" in reply.texts[0]
    assert reply.answer.rung is Rung.EXTRACTIVE


async def test_the_story_is_in_mongodb(world: World) -> None:
    """User, conversation, both messages, delivery with its statuses, and the webhook."""
    customer = "34600000002"
    async with asker(world.settings) as asking:
        reply = await asking.ask(SLOW_INTERNET, Platform.WHATSAPP, customer=customer)

    async def told() -> bool:
        rows = await world.rows("messages", {"conversation": reply.conversation})
        return {row.get("role") for row in rows} == {"user", "assistant"} and any(
            row.get("status") == "delivered" for row in rows
        )

    await eventually(told, "both messages in MongoDB, the answer's with its status")
    (conversation,) = await world.rows("conversations", {"_id": reply.conversation})
    assert conversation["is_active"] is True
    assert conversation["introduced"] is True
    recent = conversation["recent"]
    assert isinstance(recent, list)
    assert [turn["role"] for turn in recent] == ["user", "assistant"]
    assert await world.rows("users", {"user_id": customer})
    (delivery,) = await world.rows("deliveries", {"_id": str(reply.answer.id)})
    assert delivery
    webhooks = await world.rows("webhooks", {"platform": "whatsapp", "outcome": "accepted"})
    assert any(customer in str(row["payload"]) for row in webhooks)


async def test_a_follow_up_is_understood_and_introduces_nobody_again(world: World) -> None:
    """A second question without its own subject is answered about the first one's."""
    async with asker(world.settings) as asking:
        await asking.ask(SLOW_INTERNET, Platform.TELEGRAM, customer="700002")
        reply = await asking.ask(
            "¿Y si por cable también va mal?", Platform.TELEGRAM, customer="700002"
        )
    assert "asistente automático" not in reply.texts[0]
    assert [turn.role for turn in reply.answer.history] == ["user", "assistant"]
    assert reply.answer.citations


async def test_most_sample_questions_cite_their_page(world: World) -> None:
    """At least 16 of the 20 sample questions name the page that answers them."""
    questions = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))
    chats = [str(chat) for chat in await world.new_chats(len(questions))]
    async with httpx.AsyncClient(timeout=20) as http:
        for chat, one in zip(chats, questions, strict=True):
            post = telegram_post(int(chat), one["question"], secret_token=TELEGRAM_SECRET_TOKEN)
            assert (await world.post(http, post)).status_code == 200

    async def all_answered() -> bool:
        return set(chats) <= {str(one["chat"]) for one in await world.received("telegram")}

    await eventually(all_answered, f"a reply to each of {len(chats)} customers")
    sources = {
        answer.reply_to.chat: [citation.source for citation in answer.citations]
        for answer in await world.events(topics.ANSWERS, AnswerGenerated)
    }
    missed = [
        (one["question"], one["page"], sources[chat])
        for chat, one in zip(chats, questions, strict=True)
        if one["page"] not in sources[chat]
    ]
    cited = len(questions) - len(missed)
    print(f"{cited} of {len(questions)} sample questions cite their page; missed: {missed}")
    assert len(questions) == 20
    assert cited >= 16, missed


@pytest.mark.parametrize("platform", [Platform.WHATSAPP, Platform.TELEGRAM])
async def test_what_a_customer_says_in_three_messages_gets_one_reply(
    world: World, platform: Platform
) -> None:
    """The reply is to all of them, and is about what the three say together."""
    texts = ["Hola", "el internet me va muy lento", "desde ayer por la tarde"]
    number = "34600000009"
    (chat,) = await world.new_chats(1)
    await world.make_known(numbers=[number])
    posts = [
        whatsapp_post(
            [[WhatsAppText(number, text)]],
            phone_number_id=WHATSAPP_PHONE_NUMBER_ID,
            app_secret=WHATSAPP_APP_SECRET,
        )
        if platform is Platform.WHATSAPP
        else telegram_post(
            chat,
            text,
            secret_token=TELEGRAM_SECRET_TOKEN,
            update_id=8_000_000 + n,
            message_id=1 + n,
        )
        for n, text in enumerate(texts)
    ]
    customer = number if platform is Platform.WHATSAPP else str(chat)
    async with httpx.AsyncClient(timeout=20) as http:
        for post in posts:
            assert (await world.post(http, post)).status_code == 200

    async def replied() -> bool:
        return bool(await world.received(platform.value, chat=customer))

    await eventually(replied, "a reply")
    await world.settle()
    (reply,) = await world.received(platform.value, chat=customer)
    assert "internet-lento" in str(reply["text"]) or "lento" in str(reply["text"]).lower()
    messages = [
        one
        for one in await world.events(topics.MESSAGES, MessageReceived)
        if one.reply_to.chat == customer
    ]
    (answer,) = await world.answers_to(messages)
    assert answer.message_ids == tuple(one.id for one in messages)
    (row,) = await world.rows("deliveries", {"_id": str(answer.id)})
    assert row["message_ids"] == [str(one.id) for one in messages]


async def test_every_message_of_a_post_is_answered_once_in_order(world: World) -> None:
    """3 entries with 2 messages each, of 4 senders; the same post again sends nothing more.

    What one sender wrote has one answer.
    """
    people = [f"3461000000{n}" for n in range(4)]
    ana, beto, carla, diego = people
    await world.make_known(numbers=people)
    entries = [
        [WhatsAppText(ana, "¿Cómo pago mi factura?"), WhatsAppText(beto, "/ayuda")],
        [WhatsAppText(ana, "¿Y con tarjeta?"), WhatsAppText(carla, "No tengo internet")],
        [WhatsAppText(diego, "¿Qué planes hay?"), WhatsAppText(ana, "Gracias")],
    ]
    post = whatsapp_post(
        entries, phone_number_id=WHATSAPP_PHONE_NUMBER_ID, app_secret=WHATSAPP_APP_SECRET
    )
    ids = [message.id for entry in entries for message in entry]
    async with httpx.AsyncClient(timeout=20) as http:
        assert (await world.post(http, post)).status_code == 200

        async def all_delivered() -> bool:
            return len(await _delivered_to(world, ids)) == len(ids)

        await eventually(all_delivered, "an AnswerDelivered for each of the six messages")
        before = await world.received("whatsapp")
        assert (await world.post(http, post)).status_code == 200

    messages = [
        one
        for one in await world.events(topics.MESSAGES, MessageReceived)
        if one.platform_message_id in ids
    ]
    assert {one.platform_message_id for one in messages} == set(ids)
    answers = await world.answers_to(messages)
    covered = [message for answer in answers for message in answer.message_ids]
    assert sorted(covered) == sorted({one.id for one in messages})
    wamids = {message.id: message.platform_message_id for message in messages}
    for sender in people:
        (received,) = [one for one in before if one["chat"] == sender]
        (answer,) = [one for one in answers if str(one.id) in str(received["callback_data"])]
        answered = [wamids[message] for message in answer.message_ids]
        assert answered == [one.id for entry in entries for one in entry if one.sender == sender]

    await world.settle()
    after = [one for one in await world.received("whatsapp") if one["chat"] in people]
    assert len(after) == len(people)


async def test_a_voice_note_gets_one_polite_line(world: World) -> None:
    """What the assistant can't read is answered once, in Spanish, and kept raw."""
    chat = 700003
    await world.make_known(chats=[chat])
    body = (
        b'{"update_id":990001,"message":{"message_id":5,"date":1763000000,'
        b'"chat":{"id":700003,"type":"private"},"from":{"id":700003,"first_name":"Eva"},'
        b'"voice":{"file_id":"abc","duration":4}}}'
    ).replace(b"1763000000", str(_now()).encode())
    async with httpx.AsyncClient(timeout=20) as http:
        response = await http.post(
            f"{world.ingress_url}/api/integrations/webhooks/telegram/",
            content=body,
            headers={
                "content-type": "application/json",
                "x-telegram-bot-api-secret-token": TELEGRAM_SECRET_TOKEN,
            },
        )
    assert response.status_code == 200

    async def one_line() -> bool:
        return len(await world.received("telegram", str(chat))) == 1

    await eventually(one_line, "one reply to the voice note")
    (message,) = [
        one
        for one in await world.events(topics.MESSAGES, MessageReceived)
        if one.reply_to.chat == str(chat)
    ]
    assert message.kind.value == "voice"
    assert message.raw is not None


async def test_reset_forgets_what_was_said(world: World) -> None:
    """After /reset the model sees none of the turns before."""
    async with asker(world.settings) as asking:
        await asking.ask(SLOW_INTERNET, Platform.TELEGRAM, customer="700004")
        await asking.ask("/reset", Platform.TELEGRAM, customer="700004")
        reply = await asking.ask("¿Cómo pago mi factura?", Platform.TELEGRAM, customer="700004")
    assert SLOW_INTERNET not in [turn.text for turn in reply.answer.history]


async def _delivered_to(world: World, platform_ids: list[str]) -> set[object]:
    messages = {
        one.id
        for one in await world.events(topics.MESSAGES, MessageReceived)
        if one.platform_message_id in platform_ids
    }
    return {
        message
        for delivered in await world.events(topics.DELIVERIES, AnswerDelivered)
        for message in delivered.message_ids
        if message in messages
    }


def _now() -> int:
    return int(time.time())


async def test_customers_see_that_their_message_was_read_before_the_answer_comes(
    world: World,
) -> None:
    """WhatsApp gets a read mark with typing, Telegram typing; then each its answer."""
    (number,), (chat,) = await world.new_numbers(1), await world.new_chats(1)
    text = WhatsAppText(number, SLOW_INTERNET)
    posts = (
        whatsapp_post(
            [[text]], phone_number_id=WHATSAPP_PHONE_NUMBER_ID, app_secret=WHATSAPP_APP_SECRET
        ),
        telegram_post(chat, SLOW_INTERNET, secret_token=TELEGRAM_SECRET_TOKEN),
    )
    async with httpx.AsyncClient(timeout=20) as http:
        for post in posts:
            assert (await world.post(http, post)).status_code == 200

    async def seen() -> list[str]:
        requests = (await world.control("GET", "/requests", params={"limit": "50000"}))["requests"]
        assert isinstance(requests, list)
        return [
            one["operation"]
            for one in requests
            if any(name in str(one["body"]) for name in (str(chat), number, text.id))
        ]

    async def both_answered() -> bool:
        return {"messages", "sendMessage"} <= set(await seen())

    await eventually(both_answered, "both answers")
    operations = await seen()
    assert operations.index("read") < operations.index("messages")
    assert operations.index("sendChatAction") < operations.index("sendMessage")
