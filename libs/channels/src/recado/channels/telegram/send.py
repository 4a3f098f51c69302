"""Sending through the Bot API: `sendMessage`, `sendChatAction`, `answerCallbackQuery`.

A text whose entities Telegram refuses goes again without them, at once: nothing was sent, and what
it says matters more than how it looks. (WhatsApp knows no such error: its marks are only text.)
"""

import logging
from datetime import timedelta

import httpx

from recado.channels.contract import Part
from recado.channels.errors import ResultUnknown
from recado.channels.payload import JsonObject, identifier_in, object_in
from recado.channels.sending import post
from recado.channels.telegram.answers import is_about_entities, refusal, result_of
from recado.channels.telegram.chats import chat_fields, number
from recado.channels.telegram.log import hide_tokens
from recado.channels.telegram.settings import TelegramIntegration
from recado.schemas.conversations import ReplyTo
from recado.schemas.webhooks import MessageKind, MessageReceived

log = logging.getLogger(__name__)

MAX_MESSAGE_ID = 2**31 - 1
"""Greater numbers are ids of something else, such as a callback, and can't be quoted."""


class TelegramSender:
    """Sends for one bot. See `recado.channels.contract`, `Sender` and `Attentive`.

    Telegram has no such thing as callback data: whether a message whose answer was lost has arrived
    can't be found out.
    """

    typing_lasts = timedelta(seconds=5)
    """(https://core.telegram.org/bots/api#sendchataction)"""

    def __init__(self, integration: TelegramIntegration, http: httpx.AsyncClient) -> None:
        hide_tokens()
        self._integration = integration
        self._http = http

    async def send(
        self,
        reply_to: ReplyTo,
        part: Part,
        *,
        callback_data: str,  # the contract's
        quoted_message_id: str | None = None,
    ) -> str:
        url = self._integration.method_url("sendMessage")
        message = _message(reply_to, part, quoted_message_id)
        response = await post(self._http, url, message)
        if part.entities and is_about_entities(response):
            log.warning("entities refused, sent without: %s", self._integration.name)
            del message["entities"]
            response = await post(self._http, url, message)
        answer = result_of(response)
        if answer is not None:
            message_id = identifier_in(object_in(answer, "result"), "message_id")
            if message_id is not None:
                return message_id
        if response.is_success:
            raise ResultUnknown(f"status {response.status_code} without a message id")
        token = self._integration.bot_token.get_secret_value()
        raise refusal(response, self._integration, hidden=(token, reply_to.chat))

    async def attend(self, message: MessageReceived) -> None:
        """Bots do not mark messages as read."""
        await self._ask("sendChatAction", chat_fields(message.reply_to) | {"action": "typing"})

    async def acknowledge(self, message: MessageReceived) -> None:
        """The button shows a progress bar until then (answerCallbackQuery)."""
        if message.kind is MessageKind.CALLBACK and message.platform_message_id is not None:
            pressed: JsonObject = {"callback_query_id": message.platform_message_id}
            await self._ask("answerCallbackQuery", pressed)

    async def _ask(self, method: str, parameters: JsonObject) -> None:
        """For a method whose result says nothing."""
        response = await post(self._http, self._integration.method_url(method), parameters)
        if result_of(response) is None:
            token = self._integration.bot_token.get_secret_value()
            raise refusal(response, self._integration, hidden=(token,))


def _message(reply_to: ReplyTo, part: Part, quoted_message_id: str | None) -> JsonObject:
    message: JsonObject = {
        **chat_fields(reply_to),
        "text": part.text,
        "link_preview_options": {"is_disabled": True},
    }
    if part.entities:
        message["entities"] = [
            entity.model_dump(mode="json", exclude_none=True) for entity in part.entities
        ]
    quoted = None if quoted_message_id is None else number(quoted_message_id)
    if isinstance(quoted, int) and 0 < quoted <= MAX_MESSAGE_ID:
        # The quoted message may be deleted by now: then the answer goes out without it.
        message["reply_parameters"] = {"message_id": quoted, "allow_sending_without_reply": True}
    return message
