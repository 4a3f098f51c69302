"""Sending text through the Bot API: `sendMessage`.

A text whose entities Telegram refuses goes again without them, at once: nothing was sent, and what
it says matters more than how it looks. (WhatsApp knows no such error: its marks are only text.)
"""

import logging
import re

import httpx

from recado.channels.contract import Part
from recado.channels.errors import ResultUnknown
from recado.channels.payload import JsonObject, identifier_in, object_in
from recado.channels.sending import post
from recado.channels.telegram.answers import is_about_entities, refusal, result_of
from recado.channels.telegram.log import hide_tokens
from recado.channels.telegram.settings import TelegramIntegration
from recado.schemas.conversations import ReplyTo

_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)

log = logging.getLogger(__name__)

MAX_MESSAGE_ID = 2**31 - 1
"""Greater numbers are ids of something else, such as a callback, and can't be quoted."""


class TelegramSender:
    """Sends for one bot. See `recado.channels.contract.Sender`.

    Telegram has no such thing as callback data: whether a message whose answer was lost has arrived
    can't be found out.
    """

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


def _message(reply_to: ReplyTo, part: Part, quoted_message_id: str | None) -> JsonObject:
    message: JsonObject = {
        "chat_id": _number(reply_to.chat),
        "text": part.text,
        "link_preview_options": {"is_disabled": True},
    }
    if part.entities:
        message["entities"] = [
            entity.model_dump(mode="json", exclude_none=True) for entity in part.entities
        ]
    if reply_to.thread is not None:
        message["message_thread_id"] = _number(reply_to.thread)
    if reply_to.business_connection is not None:
        message["business_connection_id"] = reply_to.business_connection
    quoted = None if quoted_message_id is None else _number(quoted_message_id)
    if isinstance(quoted, int) and 0 < quoted <= MAX_MESSAGE_ID:
        # The quoted message may be deleted by now: then the answer goes out without it.
        message["reply_parameters"] = {"message_id": quoted, "allow_sending_without_reply": True}
    return message


def _number(identifier: str) -> int | str:
    """Telegram's ids are numbers; a channel's name (`@name`) is not."""
    return int(identifier) if _NUMBER.fullmatch(identifier) else identifier
