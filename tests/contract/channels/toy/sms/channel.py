"""The made-up platform: JSON in, JSON out, a shared secret in a header."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import httpx

from recado.channels.contract import Integration, ParsedWebhook, Part, Sender, WebhookRequest
from recado.channels.credentials import BaseUrl, HeaderSecret, matches_any
from recado.channels.errors import NotAuthentic, NotSupported, Refused, ResultUnknown, Unreadable
from recado.channels.markup import StyledText
from recado.channels.payload import Malformed, chat_in, identifier_in, load, objects_in, text_in
from recado.channels.sending import json_object, post
from recado.channels.splitting import split
from recado.schemas import ids
from recado.schemas.conversations import Recipient, ReplyTo, User
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.webhooks import MessageKind, MessageReceived, PlatformError

PLATFORM = "sms"
MAX_TEXT_LENGTH = 160


class SmsIntegration(Integration):
    """A number at the gateway."""

    platform: Literal["sms"]
    secret: HeaderSecret
    api_base_url: BaseUrl


class SmsSender:
    """Sends for one number."""

    def __init__(self, integration: SmsIntegration, http: httpx.AsyncClient) -> None:
        self._url = f"{integration.api_base_url}/send"
        self._http = http

    async def send(
        self,
        reply_to: ReplyTo,
        part: Part,
        *,
        callback_data: str,
        quoted_message_id: str | None = None,
    ) -> str:
        answer = await post(self._http, self._url, {"to": reply_to.chat, "text": part.text})
        if not answer.is_success:
            raise Refused(NotDeliveredReason.REFUSED, PlatformError(code=answer.status_code))
        message_id = identifier_in(json_object(answer), "id")
        if message_id is None:
            raise ResultUnknown("no id")
        return message_id


class SmsChannel:
    """See `recado.channels.contract.Channel`."""

    platform = PLATFORM
    integration_type = SmsIntegration
    max_body = 64 * 1024
    reports_delivery = False

    def handshake(self, query: Mapping[str, str], integrations: Sequence[Integration]) -> str:
        raise NotSupported("the gateway has no handshake")

    def authenticate(
        self, request: WebhookRequest, integrations: Sequence[Integration]
    ) -> tuple[Integration, ...]:
        given = request.headers.get("x-sms-secret", "").encode(errors="surrogatepass")
        authentic = tuple(
            one
            for one in integrations
            if isinstance(one, SmsIntegration)
            and matches_any(given, [one.secret.get_secret_value().encode()])
        )
        if not authentic:
            raise NotAuthentic("the secret is missing or wrong")
        return authentic

    def parse(
        self,
        body: bytes,
        integrations: Sequence[Integration],
        *,
        named: Integration | None,
        webhook_id: UUID,
        received_at: datetime,
    ) -> ParsedWebhook:
        payload = load(body)
        if "texts" not in payload:
            raise Unreadable("no texts")
        mine = named or integrations[0]
        messages, problems = [], []
        for number, text in enumerate(objects_in(payload, "texts")):
            sender, message_id = chat_in(text, "from"), identifier_in(text, "id")
            if sender is None or message_id is None:
                problems.append(f"texts[{number}]: {Malformed('no sender or no id')}")
                continue
            messages.append(
                MessageReceived(
                    id=ids.message_id(mine.name, "message", sender, message_id),
                    occurred_at=received_at,
                    sent_at=None,
                    conversation=ids.conversation_key(PLATFORM, mine.name, sender),
                    reply_to=ReplyTo(
                        platform=PLATFORM,
                        integration=mine.name,
                        chat=sender,
                        recipient=Recipient.PHONE,
                    ),
                    user=User(id=sender),
                    platform_message_id=message_id,
                    kind=MessageKind.TEXT,
                    platform_kind="text",
                    text=text_in(text, "text"),
                    webhook_id=webhook_id,
                )
            )
        return ParsedWebhook(
            "message", messages=tuple(messages), problems=tuple(problems), integration=mine.name
        )

    def format(self, text: str) -> tuple[Part, ...]:
        pieces = split(StyledText(text), MAX_TEXT_LENGTH)
        return tuple(Part(text=piece.text) for piece in pieces)

    def sender(self, integration: Integration, http: httpx.AsyncClient) -> Sender:
        if not isinstance(integration, SmsIntegration):
            raise TypeError("an integration of another platform")
        return SmsSender(integration, http)
