"""A customer is forgotten: nothing that they wrote or that was written to them stays in MongoDB.

User and conversation are deleted, and so are reports that found no answer. Rows of messages, the
ledger's entries and webhooks stay without content, under a name that is nobody's: so an event of
before that comes again, or comes only now, finds its row and writes nothing, and an answer that was
sent is not sent once more. An answer to what is forgotten that is not sent yet never is. The order
itself leaves an entry in the ledger, under a name that is made from the conversation's: by it an
operator's reply of before is known.

All of it may be done again, also after it broke off: what leads to the rest goes last. What the
customer writes afterwards is a new conversation. An answer whose request is under way meanwhile
looks once more when its outcome is written (`forgotten_at`), and erases what it wrote.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from recado.dispatcher.coverage import uncovering
from recado.dispatcher.documents import milliseconds
from recado.dispatcher.erasing import (
    FORGOTTEN,
    erase_answers,
    erase_messages,
    mark_messages,
    pages,
)
from recado.dispatcher.outgoing import Outgoing, Position
from recado.dispatcher.ports import Change, Document, Documents, Name
from recado.dispatcher.together import all_of
from recado.schemas.events import CustomerForgotten
from recado.schemas.ids import forgotten_id

KEPT: Final = timedelta(days=30)
"""How long it is known that there was an order: as long as any topic keeps what it is about."""

_MADE_BY_OTHERS: Final = ("opened_at", "user", "handoff_position")
"""What a conversation has as soon as the customer did anything, or a person was in charge."""

Where = Mapping[str, object]


async def forget(documents: Documents, event: CustomerForgotten, position: Position) -> None:
    """Erase what the event names, as far as it is older: the event may come again after newer."""
    at = milliseconds(position.timestamp)
    here: Where = {"conversation": event.conversation}
    theirs: Where = here if event.whole else {**here, "user": {"$in": list(event.users)}}
    wrote: Where = {**theirs, "topic": position.topic, "offset": {"$lt": position.offset}}
    await mark_messages(documents, wrote, at)
    if event.whole:
        await documents.apply([_ordered(event, position, at)])
        await _forget_deliveries(documents, {**here, "at": {"$lte": at}}, at)
        await _forget_assistant(documents, here, at)
        async for reports in pages(documents, Name.STATUSES, here):
            for one in reports:
                await documents.delete(Name.STATUSES, str(one["_id"]), {})
    async for rows in pages(documents, Name.MESSAGES, wrote):
        if not event.whole:
            await _forget_what_answers(documents, event, rows, at)
            await _forget_quotes(documents, event, rows, position)
        await erase_messages(documents, rows, at)
    if event.whole:
        await documents.delete(Name.CONVERSATIONS, event.conversation, _not_later("opened_at", at))
    else:
        await _forget_reactions(documents, event, at)
        await documents.apply([_nobodys(event)])
    for user in event.users:
        await documents.delete(Name.USERS, user, _not_later("first_seen", at))
    await documents.apply([_without_payload(str(one), at) for one in event.webhook_ids])


async def forgotten_at(documents: Documents, answer: Outgoing) -> datetime | None:
    """Since when it, or a message that it answers, is forgotten; None: it is not."""
    named = [str(answer.id), *(str(one) for one in answer.message_ids)]
    rows = await all_of(*(documents.read(Name.MESSAGES, one) for one in named))
    for row in rows:
        at = (row or {}).get("forgotten_at")
        if isinstance(at, datetime):
            return at
    if answer.message_ids:
        return None
    return await ordered_since(documents, answer.conversation, answer.position.timestamp)


async def ordered_since(
    documents: Documents, conversation: str, moment: datetime
) -> datetime | None:
    """When it was ordered to forget the conversation, at that moment or later."""
    order = await documents.read(Name.DELIVERIES, str(forgotten_id(conversation)))
    at = (order or {}).get("forgotten_at")
    return at if isinstance(at, datetime) and at >= milliseconds(moment) else None


async def erase_answer(documents: Documents, answer: Outgoing, at: datetime) -> None:
    """Take away what was written of an answer to what is forgotten.

    Also the conversation, where it was to be forgotten as a whole and only the answer has made it.
    """
    await erase_answers(documents, [str(answer.id)], at)
    await documents.apply([_without_turns(answer.conversation, {"id": str(answer.id)})])
    await documents.apply(uncovering(answer))
    if await documents.read(Name.DELIVERIES, str(forgotten_id(answer.conversation))):
        by_nobody_else = {name: {"$exists": False} for name in _MADE_BY_OTHERS}
        await documents.delete(Name.CONVERSATIONS, answer.conversation, by_nobody_else)


async def _forget_deliveries(documents: Documents, where: Where, at: datetime) -> None:
    """The answers of these entries of the ledger."""
    async for entries in pages(documents, Name.DELIVERIES, where):
        ids = [str(entry["_id"]) for entry in entries]
        await documents.apply([one for entry in entries for one in _begun_by(entry, at)])
        await erase_answers(documents, ids, at)


def _begun_by(entry: Document, at: datetime) -> Sequence[Change]:
    """Rows of messages that only this answer's mark has made: their events never came."""
    named = entry.get("message_ids")
    erased = {
        "conversation": FORGOTTEN,
        "kind": FORGOTTEN,
        "answered_by": FORGOTTEN,
        "forgotten_at": at,
    }
    return [
        Change(
            Name.MESSAGES,
            str(one),
            {"$set": erased},
            guard={"kind": {"$exists": False}, "answered_by": entry["_id"]},
        )
        for one in (named if isinstance(named, list) else [])
    ]


async def _forget_assistant(documents: Documents, here: Where, at: datetime) -> None:
    """The assistant's rows that the ledger does not know any more, or never did."""
    said = {**here, "role": "assistant"}
    async for rows in pages(documents, Name.MESSAGES, {**said, "at": {"$lte": at}}):
        await erase_answers(documents, [str(row["_id"]) for row in rows], at)
    # A report began it; what the ledger still has is an answer of later.
    async for rows in pages(documents, Name.MESSAGES, {**said, "at": {"$exists": False}}):
        ids = {str(row["_id"]) for row in rows}
        kept = await documents.read_many(Name.DELIVERIES, ids)
        await erase_answers(documents, ids - {str(entry["_id"]) for entry in kept}, at)


async def _forget_what_answers(
    documents: Documents, event: CustomerForgotten, rows: Collection[Document], at: datetime
) -> None:
    """What answers these messages, in a conversation that others have a part in."""
    ids = [str(row["_id"]) for row in rows]
    here: Where = {"conversation": event.conversation}
    await documents.apply(
        [_without_turns(event.conversation, {name: {"$in": ids}}) for name in ("id", "answers")]
    )
    await _forget_deliveries(documents, {**here, "message_ids": {"$in": ids}}, at)
    async for said in pages(documents, Name.MESSAGES, {**here, "answers": {"$in": ids}}):
        await erase_answers(documents, [str(row["_id"]) for row in said], at)


async def _forget_quotes(
    documents: Documents, event: CustomerForgotten, rows: Collection[Document], position: Position
) -> None:
    """Their words where others' messages repeat them."""
    before: Where = {
        "conversation": event.conversation,
        "topic": position.topic,
        "offset": {"$lt": position.offset},
    }
    theirs = [str(one) for row in rows if (one := row.get("platform_message_id")) is not None]
    for quoting in (
        {"context.quoted.user_id": {"$in": _platforms_ids(event)}},
        {"quoted_message_id": {"$in": theirs}, "context.quoted": {"$ne": None}},
    ):
        async for found in pages(documents, Name.MESSAGES, {**before, **quoting}):
            unquoted = {"$set": {"context.quoted": None}}
            await documents.apply(
                [Change(Name.MESSAGES, str(row["_id"]), unquoted) for row in found]
            )


async def _forget_reactions(documents: Documents, event: CustomerForgotten, at: datetime) -> None:
    """What they put to others' messages."""
    theirs = {"user": {"$in": list(event.users)}, "at": {"$lte": at}}
    where: Where = {"conversation": event.conversation, "reactions": {"$elemMatch": theirs}}
    async for rows in pages(documents, Name.MESSAGES, where):
        pulled = {"$pull": {"reactions": theirs}}
        await documents.apply([Change(Name.MESSAGES, str(row["_id"]), pulled) for row in rows])


def _ordered(event: CustomerForgotten, position: Position, at: datetime) -> Change:
    """The entry by which the order is known, with nothing in it that the ledger's do not have."""
    entry = {
        "conversation": FORGOTTEN,
        "message_ids": [],
        "text": "",
        "at": at,
        "offset": position.offset,
        "parts": [],
        "outcome": None,
        "created_at": at,
    }
    return Change(
        Name.DELIVERIES,
        str(forgotten_id(event.conversation)),
        {"$setOnInsert": entry, "$max": {"forgotten_at": at, "expires_at": at + KEPT}},
        upsert=True,
    )


def _without_turns(conversation: str, which: Where) -> Change:
    return Change(Name.CONVERSATIONS, conversation, {"$pull": {"recent": which}})


def _nobodys(event: CustomerForgotten) -> Change:
    """The conversation of others: the last who wrote there was the forgotten one."""
    return Change(
        Name.CONVERSATIONS,
        event.conversation,
        {"$unset": {"user": ""}},
        guard={"user": {"$in": list(event.users)}},
    )


def _platforms_ids(event: CustomerForgotten) -> list[str]:
    return [user.split(":", 2)[-1] for user in event.users]


def _not_later(field: str, at: datetime) -> Where:
    return {field: {"$not": {"$gt": at}}}


def _without_payload(webhook: str, at: datetime) -> Change:
    """The webhook's row, which is made where its event has not been recorded yet."""
    return Change(
        Name.WEBHOOKS,
        webhook,
        {
            "$set": {"payload": "", "payload_cut": True, "forgotten_at": at},
            "$unset": {"payload_sha256": ""},
            "$setOnInsert": {
                "outcome": FORGOTTEN,
                "received_at": at,
                "expires_at": at + KEPT,
            },
        },
        upsert=True,
    )
