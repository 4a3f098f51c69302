"""A customer's message as its row: all that an operator asks of it.

What the platform sent is kept as it is in the event, but for the form of a flow, whose fields the
customer names: it is kept as JSON in a string, since a document's fields may not have every name.
Numbers that MongoDB can't hold become strings.
"""

import json
from typing import Final

from recado.dispatcher.documents import milliseconds, platform_key, user_id
from recado.dispatcher.outgoing import Position
from recado.dispatcher.turns import NOT_SAID
from recado.schemas.events import MessageReceived
from recado.schemas.webhooks import MessageKind

_LARGEST: Final = 2**63 - 1

_UNNAMED: Final = NOT_SAID | {MessageKind.CALLBACK, MessageKind.OTHER}
"""Kinds whose `platform_message_id` may be that of another message, or of no message at all."""


def message_row(event: MessageReceived, position: Position) -> dict[str, object]:
    """The fields of the row, without its `_id`."""
    reply_to = event.reply_to
    row: dict[str, object] = {
        "conversation": event.conversation,
        "role": "user",
        "kind": event.kind.value,
        "platform_kind": event.platform_kind,
        "text": event.text,
        "content": _content(event),
        "context": None if event.context is None else _kept(event.context.model_dump(mode="json")),
        "errors": [_kept(error.model_dump(mode="json")) for error in event.errors],
        "addressed": event.addressed,
        "integration": reply_to.integration,
        "user": user_id(reply_to.platform, reply_to.integration, event.user.id),
        "at": milliseconds(event.occurred_at),
        "sent_at": None if event.sent_at is None else milliseconds(event.sent_at),
        "platform_message_id": event.platform_message_id,
        "quoted_message_id": event.quoted_message_id,
        "webhook_id": str(event.webhook_id),
        "topic": position.topic,
        "partition": position.partition,
        "offset": position.offset,
    }
    amended = _amended(event)
    if amended:
        row["amends"] = [platform_key(reply_to, one) for one in amended]
    elif event.platform_message_id is not None and _is_a_message(event):
        row["platform_keys"] = [platform_key(reply_to, event.platform_message_id)]
    return row


def _amended(event: MessageReceived) -> tuple[str, ...]:
    """The messages that it edits, takes back or reacts to, by the platform's ids."""
    content, context = event.content, event.context
    if content is not None and content.reaction is not None:
        reacted_to = content.reaction.message_id
        return () if reacted_to is None else (reacted_to,)
    return () if context is None else context.changes


def _is_a_message(event: MessageReceived) -> bool:
    """Whether its id is that of a message which others may name."""
    by_business = event.context is not None and event.context.by_business
    return event.kind not in _UNNAMED or (event.kind is MessageKind.SYSTEM and by_business)


def _content(event: MessageReceived) -> object:
    if event.content is None:
        return None
    content = event.content.model_dump(mode="json", exclude_none=True)
    choice = content.get("choice")
    if choice and "form" in choice:
        # Not by orjson, for which an integer has 64 bits.
        choice["form"] = json.dumps(choice["form"], ensure_ascii=False, separators=(",", ":"))
    return _kept(content)


def _kept(value: object) -> object:
    match value:
        case dict():
            return {name: _kept(inner) for name, inner in value.items()}
        case list():
            return [_kept(inner) for inner in value]
        case int() if abs(value) > _LARGEST:
            return str(value)
        case _:
            return value
