"""aiogram's reading of Telegram's updates: who, which, what kind, which words."""

import json
import sys
import warnings
from typing import Any

from aiogram.enums import ContentType
from aiogram.types import CallbackQuery, Message, Update


def told(update: Update) -> dict[str, Any]:
    """What aiogram finds in an update; None where it finds no such thing."""
    event: Any = update.event
    user = getattr(event, "from_user", None) or getattr(event, "user", None)
    found: dict[str, Any] = {
        "event": update.event_type,
        "sender": None if user is None else user.id,
        "chat": getattr(getattr(event, "chat", None), "id", None),
        "kind": update.event_type,
        "text": None,
        "id": None,
        "reply": None,
        "thread": None,
        "connection": getattr(event, "business_connection_id", None),
    }
    if isinstance(event, CallbackQuery):
        place = event.message
        found |= {
            "id": event.id,
            "chat": None if place is None else place.chat.id,
            "text": event.data,
            "reply": None if place is None else place.message_id,
            "connection": getattr(place, "business_connection_id", None),
        }
        event = place
    elif isinstance(event, Message):
        replied = event.reply_to_message
        found |= {
            "id": event.message_id,
            "kind": event.content_type,
            "text": event.text or event.caption,
            "reply": None if replied is None else replied.message_id,
        }
    if isinstance(event, Message) and event.is_topic_message:
        found["thread"] = event.message_thread_id
    return found


def main() -> None:
    """Say what can be read, then read."""
    with warnings.catch_warnings(action="ignore"):
        schema = Update.model_json_schema(by_alias=True)
    contents = [one.value for one in ContentType]
    print(json.dumps({"schema": schema, "contents": contents}), flush=True)
    for line in sys.stdin:
        print(json.dumps(told(Update.model_validate_json(line))), flush=True)


main()
