"""How requests name a chat."""

import re

from recado.channels.payload import JsonObject
from recado.schemas.conversations import ReplyTo

_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)


def chat_fields(reply_to: ReplyTo) -> JsonObject:
    """The chat, its topic, and the business connection that it is reached through."""
    fields: JsonObject = {"chat_id": number(reply_to.chat)}
    if reply_to.thread is not None:
        fields["message_thread_id"] = number(reply_to.thread)
    if reply_to.business_connection is not None:
        fields["business_connection_id"] = reply_to.business_connection
    return fields


def number(identifier: str) -> int | str:
    """Telegram's ids are numbers; a channel's name (`@name`) is not."""
    return int(identifier) if _NUMBER.fullmatch(identifier) else identifier
