"""The dispatcher as it runs: answers from Kafka to the platforms, their story in MongoDB."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from recado.devstack.stack.integrations import TELEGRAM_NAME, WHATSAPP_NAME
from recado.devstack.stack.mongodb import MongoDb, SecantusDb
from recado.devstack.stack.ports import free_port
from recado.devstack.stack.services import Service
from recado.dispatcher.ports import Name
from recado.schemas.base import Platform
from recado.schemas.conversations import Recipient, ReplyTo
from recado.schemas.events import AnswerDelivered, AnswerGenerated, StatusReported
from support.dispatcher_bench import Bench
from support.dispatching import answer, conversation_of, message, status, turns


def on_telegram(chat: int) -> ReplyTo:
    return ReplyTo(
        platform=Platform.TELEGRAM,
        integration=TELEGRAM_NAME,
        chat=str(chat),
        recipient=Recipient.CHAT,
    )


def on_whatsapp(number: int) -> ReplyTo:
    return ReplyTo(
        platform=Platform.WHATSAPP,
        integration=WHATSAPP_NAME,
        chat=str(number),
        recipient=Recipient.PHONE,
    )


def answer_now(number: int, reply_to: ReplyTo, **changed: object) -> AnswerGenerated:
    """An answer to what the customer wrote just now, by the clock that the service reads."""
    now = datetime.now(UTC)
    known: dict[str, object] = {
        "occurred_at": now,
        "received_at": now,
        "deadline": now + timedelta(minutes=15),
    }
    return answer(number, reply_to=reply_to, **known | changed)


async def test_an_answer_reaches_the_customer_the_topic_and_the_documents_on_both_platforms(
    bench: Bench, mongodb: MongoDb, unique: Callable[[], int]
) -> None:
    """From Kafka to the platform with its formatting, to deliveries, and to MongoDB.

    And without a restart: an answer waits while the token is refused, and goes out with a new one.
    """
    number, chat = unique(), unique()
    await bench.customers(
        {"platform": "whatsapp", "number": str(number)}, {"platform": "telegram", "chat": chat}
    )
    service = await bench.dispatcher(mongodb.url)
    documents = bench.documents(mongodb.url)
    for reply_to, shown in ((on_whatsapp(number), "*Reinicia*"), (on_telegram(chat), "Reinicia")):
        asked_at = datetime.now(UTC) - timedelta(seconds=1)
        question = message(1, reply_to, occurred_at=asked_at, sent_at=asked_at)
        event = answer_now(1, reply_to, text="**Reinicia** el router [1]", introduces=True)
        await bench.publish(question, event)
        (arrived,) = await bench.arrived(reply_to.chat)
        assert arrived["text"].startswith(shown)
        outcome = await bench.outcome(event.id)
        assert isinstance(outcome, AnswerDelivered)
        assert outcome.platform_message_ids == (str(arrived["message_id"]),)
        await _until_answered(documents.read, Name.MESSAGES, str(question.id))
        conversation = await documents.read(Name.CONVERSATIONS, conversation_of(reply_to))
        assert conversation is not None
        assert conversation["introduced"] is True
        assert [turn["role"] for turn in turns(dict(conversation))] == ["user", "assistant"]
        row = await documents.read(Name.MESSAGES, str(event.id))
        assert row is not None
        assert (row["outcome"], row["status"]) == ("delivered", "sent")
    bench.configure(bot_token="123456789:revoked")
    await _until_said(service, "integrations.loaded")
    event = answer_now(2, on_telegram(chat))
    await bench.publish(event)
    await _until_said(service, "consumer.unavailable")
    bench.configure()
    assert isinstance(await bench.outcome(event.id), AnswerDelivered)
    assert len(await bench.arrived(str(chat))) == 2
    async with httpx.AsyncClient(base_url=service.url) as http:
        metrics = (await http.get("/metrics")).text
    assert 'recado_sends_total{outcome="sent",platform="telegram"} 2.0' in metrics
    assert "recado-demo-bot-token" not in "\n".join(service.last_lines())


async def test_mongodb_killed_and_started_again_loses_nothing_and_repeats_nothing(
    bench: Bench, unique: Callable[[], int], tmp_path: Path
) -> None:
    """While it is away nothing is sent; then every customer has each answer once, in order."""
    own = SecantusDb(tmp_path / "mongodb", port=free_port(), environment={})
    await own.start()
    try:
        chats = [unique() for _ in range(6)]
        await bench.customers(*({"platform": "telegram", "chat": chat} for chat in chats))
        service = await bench.dispatcher(own.url)
        events = [answer_now(number, on_telegram(chat)) for number in range(1, 6) for chat in chats]
        await bench.publish(*events[:15])
        await bench.arrived(str(chats[0]))
        await own.kill9()
        await bench.publish(*events[15:])
        await _until_unready(service.url)
        await own.start()
        for chat in chats:
            arrived = await bench.arrived(str(chat), 5)
            assert [one["text"] for one in arrived] == [f"respuesta a {n}" for n in range(1, 6)]
        for event in events:
            outcome = await bench.outcome(event.id)
            assert isinstance(outcome, AnswerDelivered)
            assert outcome.repeated_parts == 0
        documents = bench.documents(own.url)
        rows = await documents.read_many(Name.MESSAGES, [str(event.id) for event in events])
        assert [row["outcome"] for row in rows] == ["delivered"] * len(events)
        # A client says goodbye to its server, and waits for one that is not there.
        await service.stop()
        documents.close()
    finally:
        await own.kill9()


async def test_a_send_interrupted_by_kill_9_is_settled_by_the_platforms_status(
    bench: Bench, mongodb: MongoDb, unique: Callable[[], int]
) -> None:
    """WhatsApp took the message, the process died before it heard so: the customer sees it once."""
    reply_to = on_whatsapp(unique())
    await bench.customers({"platform": "whatsapp", "number": reply_to.chat})
    await bench.faults("whatsapp", {"kind": "hang", "operations": ["messages"], "count": 1})
    settings = {"RECADO_UNCERTAIN_AFTER": "PT60S", "RECADO_SEND_TIMEOUT": "PT20S"}
    first = await bench.dispatcher(mongodb.url, **settings)
    event = answer_now(1, reply_to)
    await bench.publish(event)
    (arrived,) = await bench.arrived(reply_to.chat)
    await first.kill9()
    await bench.dispatcher(mongodb.url, **settings)
    await bench.publish(_delivered(event, arrived))
    outcome = await bench.outcome(event.id)
    assert isinstance(outcome, AnswerDelivered)
    assert outcome.platform_message_ids == (arrived["message_id"],)
    assert outcome.repeated_parts == 0
    assert len(await bench.arrived(reply_to.chat)) == 1


async def test_typing_is_shown_until_the_answer_comes(
    bench: Bench, mongodb: MongoDb, unique: Callable[[], int]
) -> None:
    """Telegram shows it for five seconds: while the answer takes longer it is shown again."""
    reply_to = on_telegram(unique())
    await bench.customers({"platform": "telegram", "chat": int(reply_to.chat)})
    await bench.dispatcher(mongodb.url)
    now = datetime.now(UTC)
    await bench.publish(message(1, reply_to, occurred_at=now, sent_at=now))
    async with asyncio.timeout(30):
        while True:
            if (await bench.operations(reply_to.chat)).count("sendChatAction") == 2:
                break
            await asyncio.sleep(0.2)
    await bench.publish(answer_now(1, reply_to))
    await bench.arrived(reply_to.chat)
    shown = await bench.operations(reply_to.chat)
    await asyncio.sleep(5)
    assert await bench.operations(reply_to.chat) == shown
    assert shown[-1] == "sendMessage"


def _delivered(event: AnswerGenerated, arrived: dict[str, str]) -> StatusReported:
    """The report as ingress makes it from WhatsApp's webhook."""
    report = status(arrived["message_id"], of=event)
    return report.model_copy(
        update={
            "conversation": event.conversation,
            "integration": WHATSAPP_NAME,
            "callback_data": arrived["callback_data"],
        }
    )


async def _until_answered(read: Callable[..., object], *place: object) -> None:
    """The message's own record is handled beside the answer's: wait for both."""
    async with asyncio.timeout(30):
        while True:
            row = await read(*place)  # type: ignore[misc]  # awaitable
            if row is not None and "kind" in row and "answered_by" in row:
                return
            await asyncio.sleep(0.1)


async def _until_said(service: Service, event: str) -> None:
    """Wait until the service's log says it."""
    async with asyncio.timeout(30):
        while not any(event in line for line in service.last_lines()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def _until_unready(url: str) -> None:
    async with asyncio.timeout(30), httpx.AsyncClient(base_url=url) as http:
        while True:
            answered = await http.get("/readyz")
            if answered.status_code == 503:
                assert "mongodb" in answered.json()["problems"]
                return
            await asyncio.sleep(0.2)
