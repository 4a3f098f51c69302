"""A platform that answers as told, and senders that write to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import orjson
import pytest
from pydantic import JsonValue

from recado.channels.contract import Part, Sender
from recado.channels.errors import SendError
from recado.channels.telegram import TelegramIntegration
from recado.channels.telegram.send import TelegramSender
from recado.channels.whatsapp import WhatsAppIntegration
from recado.channels.whatsapp.send import WhatsAppSender
from recado.schemas.base import Platform
from recado.schemas.conversations import Recipient, ReplyTo

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


def graph_error(code: int, **more: JsonValue) -> JsonValue:
    return {"error": {"message": f"(#{code}) no", "type": "OAuthException", "code": code, **more}}


def bot_error(code: int, **parameters: JsonValue) -> JsonValue:
    error: dict[str, JsonValue] = {"ok": False, "error_code": code, "description": "no"}
    return {**error, **({"parameters": parameters} if parameters else {})}
