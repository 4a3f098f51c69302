"""Telegram: what goes over the wire, and what each answer means."""

from datetime import timedelta

import httpx
import orjson
import pytest

from recado.channels.contract import Entity, Part
from recado.channels.errors import (
    ChatMoved,
    Refused,
    ResultUnknown,
    RetryLater,
    SendError,
    SenderStopped,
    Unclassified,
)
from recado.channels.telegram import TelegramIntegration
from recado.channels.telegram.send import TelegramSender
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.webhooks import MessageKind
from support.dispatching import message

from .wire import CHAT, SENT, Wire, answering, bot_error, failure, send


async def test_telegram_posts_entities_thread_and_business_connection(
    telegram: TelegramIntegration,
) -> None:
    wire = answering(200, SENT)
    reply_to = CHAT.model_copy(update={"thread": "5", "business_connection": "conn"})
    part = Part(text="Hola", entities=(Entity(type="bold", offset=0, length=4),))
    assert await send(telegram, wire, reply_to, part, quoted="3") == "99"
    (request,) = wire.requests
    assert str(request.url) == "https://api.telegram.org/bot42:bot-token/sendMessage"
    assert orjson.loads(request.content) == {
        "chat_id": -10012,
        "text": "Hola",
        "entities": [{"type": "bold", "offset": 0, "length": 4}],
        "message_thread_id": 5,
        "business_connection_id": "conn",
        "link_preview_options": {"is_disabled": True},
        "reply_parameters": {"message_id": 3, "allow_sending_without_reply": True},
    }


async def test_telegram_sends_no_empty_fields_and_quotes_no_callback(
    telegram: TelegramIntegration,
) -> None:
    wire = answering(200, SENT)
    await send(telegram, wire, CHAT, quoted="4382009120094")
    assert orjson.loads(wire.requests[0].content).keys() == {
        "chat_id",
        "text",
        "link_preview_options",
    }


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Refused),
        (401, SenderStopped),
        (403, Refused),
        (404, SenderStopped),
        (409, Unclassified),
        (408, ResultUnknown),
        (429, RetryLater),
        (500, ResultUnknown),
        (502, ResultUnknown),
        (200, ResultUnknown),
    ],
)
async def test_telegram_answers_are_judged_by_their_status(
    telegram: TelegramIntegration, status: int, expected: type[SendError]
) -> None:
    assert type(await failure(telegram, answering(status, bot_error(status)), CHAT)) is expected
    page = Wire(lambda _: httpx.Response(status, text="<html>gateway</html>"))
    of_a_gateway = Unclassified if status == 400 else expected
    assert type(await failure(telegram, page, CHAT)) is of_a_gateway


async def test_a_group_that_became_a_supergroup_says_where_it_goes_on(
    telegram: TelegramIntegration,
) -> None:
    moved = await failure(
        telegram, answering(400, bot_error(400, migrate_to_chat_id=-1009876)), CHAT
    )
    assert isinstance(moved, ChatMoved)
    assert moved.chat == "-1009876"


@pytest.mark.parametrize(
    "said",
    [
        "Bad Request: can't parse entities: Unsupported start tag",
        "Bad Request: can't parse MessageEntity: Unsupported type specified",
        "Bad Request: entity begins after the end of the text at UTF-16 offset 9",
        "Bad Request: ENTITY_BOUNDS_INVALID",
    ],
)
async def test_a_text_whose_entities_are_refused_goes_without_them(
    telegram: TelegramIntegration, said: str
) -> None:
    """Once: what is refused without entities is refused."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "entities" in orjson.loads(request.content):
            return httpx.Response(400, json={"ok": False, "error_code": 400, "description": said})
        return httpx.Response(200, json=SENT)

    part = Part(text="Hola", entities=(Entity(type="bold", offset=0, length=4),))
    wire = Wire(answer)
    assert await send(telegram, wire, CHAT, part) == "99"
    with_entities, without = (orjson.loads(one.content) for one in wire.requests)
    assert with_entities.pop("entities")
    assert with_entities == without
    refused = answering(400, {"ok": False, "error_code": 400, "description": said})
    assert isinstance(await failure(telegram, refused, CHAT), Refused)
    assert len(refused.requests) == 1, "there were no entities to leave out"


async def test_telegram_says_who_blocked_and_how_long_to_wait(
    telegram: TelegramIntegration,
) -> None:
    blocked = await failure(telegram, answering(403, bot_error(403)), CHAT)
    assert isinstance(blocked, Refused)
    assert blocked.reason is NotDeliveredReason.BLOCKED
    slow = await failure(telegram, answering(429, bot_error(429, retry_after=17)), CHAT)
    assert isinstance(slow, RetryLater)
    assert slow.retry_after == timedelta(seconds=17)


async def test_typing_is_shown_where_the_answer_will_be(telegram: TelegramIntegration) -> None:
    wire = answering(200, {"ok": True, "result": True})
    reply_to = CHAT.model_copy(update={"thread": "5", "business_connection": "conn"})
    async with wire.client() as http:
        await TelegramSender(telegram, http).attend(message(1, reply_to))
    (request,) = wire.requests
    assert str(request.url).endswith("/sendChatAction")
    assert orjson.loads(request.content) == {
        "chat_id": -10012,
        "message_thread_id": 5,
        "business_connection_id": "conn",
        "action": "typing",
    }


async def test_only_a_button_is_acknowledged(telegram: TelegramIntegration) -> None:
    wire = answering(200, {"ok": True, "result": True})
    async with wire.client() as http:
        sender = TelegramSender(telegram, http)
        await sender.acknowledge(message(1, CHAT))
        await sender.acknowledge(message(2, CHAT, kind=MessageKind.CALLBACK))
    (request,) = wire.requests
    assert str(request.url).endswith("/answerCallbackQuery")
    assert orjson.loads(request.content) == {"callback_query_id": "2"}
