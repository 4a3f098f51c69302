"""Sending through the Graph API: `POST /{version}/{phone_number_id}/messages`."""

from datetime import timedelta

import httpx

from recado.channels.contract import Part
from recado.channels.errors import ResultUnknown
from recado.channels.payload import JsonObject, identifier_in
from recado.channels.sending import json_object, post
from recado.channels.whatsapp.refusals import refusal
from recado.channels.whatsapp.settings import WhatsAppIntegration
from recado.channels.whatsapp.template import as_sent
from recado.schemas.conversations import Recipient, ReplyTo
from recado.schemas.webhooks import MessageReceived

MAX_CALLBACK_DATA_LENGTH = 512
"""Of `biz_opaque_callback_data` (Meta, messages)."""


class WhatsAppSender:
    """Sends for one business number. See `recado.channels.contract`, `Sender` and `Attentive`."""

    typing_lasts = timedelta(seconds=25)
    """(Meta, typing-indicators)"""

    def __init__(self, integration: WhatsAppIntegration, http: httpx.AsyncClient) -> None:
        self._integration = integration
        self._http = http
        self._url = (
            f"{integration.api_base_url}/{integration.api_version}"
            f"/{integration.phone_number_id}/messages"
        )

    async def send(
        self,
        reply_to: ReplyTo,
        part: Part,
        *,
        callback_data: str,
        quoted_message_id: str | None = None,
    ) -> str:
        if len(callback_data) > MAX_CALLBACK_DATA_LENGTH:
            raise ValueError(f"callback_data is longer than {MAX_CALLBACK_DATA_LENGTH}")
        message = _message(reply_to, part, callback_data, quoted_message_id)
        response = await self._post(message, reply_to)
        message_id = _message_id(json_object(response))
        if message_id is None:
            raise ResultUnknown(f"status {response.status_code} without a message id")
        return message_id

    async def attend(self, message: MessageReceived) -> None:
        """One request does both (Meta, typing-indicators)."""
        if message.platform_message_id is None:
            return
        mark: JsonObject = {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": message.platform_message_id,
            "typing_indicator": {"type": "text"},
        }
        await self._post(mark, message.reply_to)

    async def acknowledge(self, message: MessageReceived) -> None:
        """A button does not show that it waits."""

    async def _post(self, payload: JsonObject, reply_to: ReplyTo) -> httpx.Response:
        token = self._integration.access_token.get_secret_value()
        bearer = {"authorization": f"Bearer {token}"}
        response = await post(self._http, self._url, payload, bearer)
        if not response.is_success:
            raise refusal(response, self._integration, hidden=(token, reply_to.chat))
        return response


def _message(
    reply_to: ReplyTo, part: Part, callback_data: str, quoted_message_id: str | None
) -> JsonObject:
    # A user id in `to` is accepted and dropped without a word (Meta, business-scoped-user-ids).
    receiver = "recipient" if reply_to.recipient is Recipient.USER_ID else "to"
    message: JsonObject = {
        "messaging_product": "whatsapp",
        "recipient_type": "group" if reply_to.recipient is Recipient.CHAT else "individual",
        receiver: reply_to.chat,
        **_content(part),
        "biz_opaque_callback_data": callback_data,
    }
    if quoted_message_id is not None:
        message["context"] = {"message_id": quoted_message_id}
    return message


def _content(part: Part) -> JsonObject:
    if part.template is not None:
        return {"type": "template", "template": as_sent(part.template, part.text)}
    return {"type": "text", "text": {"body": part.text, "preview_url": False}}


def _message_id(answer: JsonObject | None) -> str | None:
    messages = None if answer is None else answer.get("messages")
    if not isinstance(messages, list) or not messages or not isinstance(messages[0], dict):
        return None
    return identifier_in(messages[0], "id")
