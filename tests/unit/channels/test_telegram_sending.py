"""Telegram: what goes over the wire, and what each answer means."""

from datetime import timedelta

import httpx
import orjson
import pytest

from recado.channels.contract import Entity, Part
from recado.channels.errors import Refused, ResultUnknown, RetryLater, SendError, SenderStopped
from recado.channels.telegram import TelegramIntegration
from recado.schemas.deliveries import NotDeliveredReason

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
    assert type(await failure(telegram, page, CHAT)) is expected


async def test_telegram_says_who_blocked_and_how_long_to_wait(
    telegram: TelegramIntegration,
) -> None:
    blocked = await failure(telegram, answering(403, bot_error(403)), CHAT)
    assert isinstance(blocked, Refused)
    assert blocked.reason is NotDeliveredReason.BLOCKED
    slow = await failure(telegram, answering(429, bot_error(429, retry_after=17)), CHAT)
    assert isinstance(slow, RetryLater)
    assert slow.retry_after == timedelta(seconds=17)
