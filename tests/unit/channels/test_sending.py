"""Sending: what goes over the wire, and what each answer or failure means."""

import logging
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import orjson
import pytest
from pydantic import JsonValue

from recado.channels.contract import Entity, Part, Sender
from recado.channels.errors import Refused, ResultUnknown, RetryLater, SendError, SenderStopped
from recado.channels.telegram import TelegramIntegration
from recado.channels.telegram.send import TelegramSender
from recado.channels.whatsapp import WhatsAppIntegration
from recado.channels.whatsapp.send import WhatsAppSender
from recado.schemas.base import Platform
from recado.schemas.conversations import Recipient, ReplyTo
from recado.schemas.deliveries import NotDeliveredReason

NUMBER = ReplyTo(
    platform=Platform.WHATSAPP, integration="wa", chat="51900111222", recipient=Recipient.PHONE
)
USER_ID = NUMBER.model_copy(update={"chat": "PE.77", "recipient": Recipient.USER_ID})
CHAT = ReplyTo(
    platform=Platform.TELEGRAM, integration="tg", chat="-10012", recipient=Recipient.CHAT
)
PART = Part(text="Hola 😀")
ACCEPTED: JsonValue = {"messaging_product": "whatsapp", "messages": [{"id": "wamid.OUT="}]}
SENT: JsonValue = {"ok": True, "result": {"message_id": 99}}

Answer = Callable[[httpx.Request], httpx.Response]


class Wire:
    """Takes requests and answers each as told."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answer(request)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(self)) as http:
            yield http


def answering(status: int, body: JsonValue, **headers: str) -> Wire:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Wire(lambda _: httpx.Response(status, content=orjson.dumps(body), headers=named))


def raising(error: type[httpx.TransportError]) -> Wire:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("boom", request=request)

    return Wire(answer)


async def send(
    integration: WhatsAppIntegration | TelegramIntegration,
    wire: Wire,
    reply_to: ReplyTo,
    part: Part = PART,
    quoted: str | None = None,
) -> str:
    async with wire.client() as http:
        sender: Sender = (
            WhatsAppSender(integration, http)
            if isinstance(integration, WhatsAppIntegration)
            else TelegramSender(integration, http)
        )
        return await sender.send(
            reply_to, part, callback_data="answer:0:key", quoted_message_id=quoted
        )


async def failure(
    integration: WhatsAppIntegration | TelegramIntegration, wire: Wire, reply_to: ReplyTo
) -> SendError:
    with pytest.raises(SendError) as caught:
        await send(integration, wire, reply_to)
    return caught.value


async def test_whatsapp_posts_a_text_with_callback_data(whatsapp: WhatsAppIntegration) -> None:
    wire = answering(200, ACCEPTED)
    assert await send(whatsapp, wire, NUMBER) == "wamid.OUT="
    (request,) = wire.requests
    assert request.method == "POST"
    assert str(request.url) == "https://graph.facebook.com/v26.0/100000000000001/messages"
    assert request.headers["authorization"] == "Bearer graph-token"
    assert orjson.loads(request.content) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "51900111222",
        "type": "text",
        "text": {"body": "Hola 😀", "preview_url": False},
        "biz_opaque_callback_data": "answer:0:key",
    }


async def test_whatsapp_names_a_user_id_as_recipient_and_never_in_to(
    whatsapp: WhatsAppIntegration,
) -> None:
    wire = answering(200, ACCEPTED)
    await send(whatsapp, wire, USER_ID, quoted="wamid.IN")
    body = orjson.loads(wire.requests[0].content)
    assert body["recipient"] == "PE.77"
    assert "to" not in body
    assert body["context"] == {"message_id": "wamid.IN"}


async def test_whatsapp_says_that_a_group_is_one(whatsapp: WhatsAppIntegration) -> None:
    wire = answering(200, ACCEPTED)
    await send(whatsapp, wire, NUMBER.model_copy(update={"recipient": Recipient.CHAT}))
    body = orjson.loads(wire.requests[0].content)
    assert (body["recipient_type"], body["to"]) == ("group", NUMBER.chat)


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


def graph_error(code: int, **more: JsonValue) -> JsonValue:
    return {"error": {"message": f"(#{code}) no", "type": "OAuthException", "code": code, **more}}


@pytest.mark.parametrize("code", [4, 80007, 130429, 131000, 131016, 131056, 131057])
async def test_whatsapp_codes_that_pass_are_retried_later(
    whatsapp: WhatsAppIntegration, code: int
) -> None:
    for status in (400, 429, 500):
        error = await failure(whatsapp, answering(status, graph_error(code)), NUMBER)
        assert isinstance(error, RetryLater)
        assert error.code == code


@pytest.mark.parametrize(
    "code", [131008, 131009, 131021, 131026, 131030, 131050, 131051, 131062, 132000, 132016]
)
async def test_whatsapp_codes_about_the_message_refuse_it(
    whatsapp: WhatsAppIntegration, code: int
) -> None:
    for status in (400, 500):
        error = await failure(whatsapp, answering(status, graph_error(code)), NUMBER)
        assert isinstance(error, Refused)
        assert (error.reason, error.error.code) == (NotDeliveredReason.REFUSED, code)


@pytest.mark.parametrize("code", [0, 3, 10, 190, 200, 299, 368, 131031, 131042, 131048])
async def test_whatsapp_codes_about_the_account_stop_the_sender(
    whatsapp: WhatsAppIntegration, code: int
) -> None:
    error = await failure(whatsapp, answering(400, graph_error(code)), NUMBER)
    assert isinstance(error, SenderStopped)
    assert (error.integration, error.error.code) == ("wa", code)


async def test_whatsapp_says_when_the_window_is_closed_and_how_long_to_wait(
    whatsapp: WhatsAppIntegration,
) -> None:
    closed = await failure(whatsapp, answering(400, graph_error(131047)), NUMBER)
    assert isinstance(closed, Refused)
    assert closed.reason is NotDeliveredReason.WINDOW_CLOSED
    pair = await failure(whatsapp, answering(400, graph_error(131056)), NUMBER)
    assert isinstance(pair, RetryLater)
    assert pair.retry_after == timedelta(seconds=6)
    told = await failure(whatsapp, answering(429, graph_error(130429), retry_after="30"), NUMBER)
    assert isinstance(told, RetryLater)
    assert told.retry_after == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Refused),
        (401, SenderStopped),
        (403, SenderStopped),
        (404, SenderStopped),
        (408, ResultUnknown),
        (413, Refused),
        (429, RetryLater),
        (302, ResultUnknown),
        (500, ResultUnknown),
        (502, ResultUnknown),
        (503, ResultUnknown),
        (504, ResultUnknown),
        (200, ResultUnknown),
    ],
)
async def test_whatsapp_answers_without_a_code_are_judged_by_their_status(
    whatsapp: WhatsAppIntegration, status: int, expected: type[SendError]
) -> None:
    page = Wire(lambda _: httpx.Response(status, text="<html>gateway</html>"))
    assert type(await failure(whatsapp, page, NUMBER)) is expected
    unlisted = answering(status, graph_error(99) if status != 200 else {"messages": []})
    assert type(await failure(whatsapp, unlisted, NUMBER)) is expected


def bot_error(code: int, **parameters: JsonValue) -> JsonValue:
    error: dict[str, JsonValue] = {"ok": False, "error_code": code, "description": "no"}
    return {**error, **({"parameters": parameters} if parameters else {})}


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


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (httpx.ConnectError, RetryLater),
        (httpx.ConnectTimeout, RetryLater),
        (httpx.PoolTimeout, RetryLater),
        (httpx.ReadTimeout, ResultUnknown),
        (httpx.WriteTimeout, ResultUnknown),
        (httpx.ReadError, ResultUnknown),
        (httpx.WriteError, ResultUnknown),
        (httpx.RemoteProtocolError, ResultUnknown),
    ],
)
async def test_only_a_failure_before_the_first_byte_means_that_nothing_was_sent(
    whatsapp: WhatsAppIntegration,
    telegram: TelegramIntegration,
    raised: type[httpx.TransportError],
    expected: type[SendError],
) -> None:
    for integration, reply_to in ((whatsapp, NUMBER), (telegram, CHAT)):
        error = await failure(integration, raising(raised), reply_to)
        assert type(error) is expected
        # The HTTP library's error holds the request, and with it the token.
        assert error.__cause__ is None
        assert error.__context__ is None


async def test_no_error_and_no_log_line_tells_a_token_or_a_number(
    whatsapp: WhatsAppIntegration,
    telegram: TelegramIntegration,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    meta = "Malformed access token graph-token for 51900111222"
    bot = "Unauthorized 42:bot-token for -10012"
    told: list[str] = []
    for integration, reply_to, wire in (
        (whatsapp, NUMBER, raising(httpx.ReadTimeout)),
        (whatsapp, NUMBER, answering(400, graph_error(190, message=meta))),
        (whatsapp, NUMBER, answering(400, graph_error(100, error_data={"details": meta}))),
        (whatsapp, NUMBER, answering(200, {})),
        (telegram, CHAT, raising(httpx.ReadTimeout)),
        (telegram, CHAT, answering(401, {"ok": False, "error_code": 401, "description": bot})),
        (telegram, CHAT, answering(200, {})),
    ):
        error = await failure(integration, wire, reply_to)
        told.extend(("".join(traceback.format_exception(error)), repr(error.args)))
    logged = caplog.text
    assert "HTTP Request: POST https://api.telegram.org/bot***/sendMessage" in logged
    for secret in ("graph-token", "bot-token", "51900111222", "app-secret", "hook-secret"):
        assert secret not in logged
        assert secret not in "".join(told)
    assert "-10012" not in "".join(told)


async def test_callback_data_that_the_platform_would_cut_is_refused_here(
    whatsapp: WhatsAppIntegration,
) -> None:
    async with answering(200, ACCEPTED).client() as http:
        with pytest.raises(ValueError, match="callback_data"):
            await WhatsAppSender(whatsapp, http).send(NUMBER, PART, callback_data="x" * 513)
