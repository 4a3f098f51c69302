"""A customer is forgotten: nothing that they wrote or that was written to them stays in MongoDB.

User and conversation are deleted. Rows of messages, the ledger's entries, reports and webhooks stay
without content, under a name that is nobody's: so an event of before that comes again finds its row
and writes nothing, and an answer that was sent is not sent once more. An answer to what is
forgotten that is not sent yet never is.

All of it may be done again. What the customer writes afterwards is a new conversation.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from recado.dispatcher.documents import milliseconds
from recado.dispatcher.outgoing import Outgoing, Position
from recado.dispatcher.ports import Change, Document, Documents, Name
from recado.schemas.events import CustomerForgotten

FORGOTTEN: Final = "(forgotten)"
"""The conversation and the kind of what is forgotten, and what answers it."""

AT_ONCE: Final = 500
"""Documents of one request."""

_KEPT: Final = frozenset({"_id", "role", "conversation", "kind", "answered_by", "forgotten_at"})


async def forget(documents: Documents, event: CustomerForgotten, position: Position) -> None:
    """Erase what the event names, as far as it is older: the event may come again after newer."""
    at = milliseconds(position.timestamp)
    here: dict[str, object] = {"conversation": event.conversation}
    theirs = {} if event.whole else {"user": {"$in": list(event.users)}}
    before = {"topic": position.topic, "offset": {"$lt": position.offset}}
    messages = await _erase(documents, Name.MESSAGES, {**here, **theirs, **before}, at)
    by_then = {"at": {"$lte": at}}
    if event.whole:
        assistants = {**here, "role": "assistant", **by_then}
        await _erase(documents, Name.MESSAGES, assistants, at)
        await _erase(documents, Name.DELIVERIES, {**here, **by_then}, at)
        await _erase(documents, Name.STATUSES, here, at)
        await documents.delete(Name.CONVERSATIONS, event.conversation, _not_later("opened_at", at))
    else:
        await _forget_answers(documents, event, messages, at)
    for user in event.users:
        await documents.delete(Name.USERS, user, _not_later("first_seen", at))
    await documents.apply([_without_payload(str(one), at) for one in event.webhook_ids])


async def is_forgotten(documents: Documents, answer: Outgoing) -> bool:
    """Whether a message that it answers is forgotten."""
    rows = await documents.read_many(Name.MESSAGES, [str(one) for one in answer.message_ids])
    return any(row.get("forgotten_at") is not None for row in rows)


async def _forget_answers(
    documents: Documents, event: CustomerForgotten, messages: Collection[str], at: datetime
) -> None:
    """What answers these messages, in a conversation that others have a part in."""
    ids = list(messages)
    to_them = {"conversation": event.conversation, "answers": {"$in": ids}}
    answers = await _erase(documents, Name.MESSAGES, to_them, at)
    sent = {"conversation": event.conversation, "message_ids": {"$in": ids}}
    await _erase(documents, Name.DELIVERIES, sent, at)
    await documents.apply(
        [
            Change(
                Name.CONVERSATIONS,
                event.conversation,
                {"$pull": {"recent": {"id": {"$in": [*ids, *answers]}}}},
            ),
            Change(
                Name.CONVERSATIONS,
                event.conversation,
                {"$unset": {"user": ""}},
                guard={"user": {"$in": list(event.users)}},
            ),
        ]
    )


def _not_later(field: str, at: datetime) -> Mapping[str, object]:
    return {field: {"$not": {"$gt": at}}}


async def _erase(
    documents: Documents, collection: Name, where: Mapping[str, object], at: datetime
) -> list[str]:
    """Erase the rows of a filter, which they do not match afterwards; their ids."""
    erased: list[str] = []
    while rows := await documents.select(collection, where, by="_id", most=AT_ONCE):
        await documents.apply([erasing(collection, row, at) for row in rows])
        erased += [str(row["_id"]) for row in rows]
    return erased


def erasing(collection: Name, row: Document, at: datetime) -> Change:
    """The change that leaves nothing of the row but that it was there."""
    match collection:
        case Name.MESSAGES:
            left: dict[str, object] = {
                "conversation": FORGOTTEN,
                "kind": FORGOTTEN,
                "forgotten_at": at,
            }
            if row.get("role") == "user":
                left["answered_by"] = FORGOTTEN  # so no answer to it is sent any more
            update: dict[str, dict[str, object]] = {"$set": left}
            gone: dict[str, object] = dict.fromkeys(row.keys() - _KEPT, "")
            if gone:
                update["$unset"] = gone
        case Name.DELIVERIES:
            empty: dict[str, object] = {"text": "", "parts": [], "message_ids": []}
            update = {"$set": {"conversation": FORGOTTEN, "forgotten_at": at, **empty}}
        case _:
            update = {"$set": {"conversation": FORGOTTEN, "forgotten_at": at}}
    return Change(collection, str(row["_id"]), update)


def _without_payload(webhook: str, at: datetime) -> Change:
    return Change(
        Name.WEBHOOKS,
        webhook,
        {
            "$set": {"payload": "", "payload_cut": True, "forgotten_at": at},
            "$unset": {"payload_sha256": ""},
        },
    )
