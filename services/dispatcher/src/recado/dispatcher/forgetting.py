"""A customer is forgotten: nothing that they wrote or that was written to them stays in MongoDB.

User and conversation are deleted, and so are reports that found no answer. Rows of messages, the
ledger's entries and webhooks stay without content, under a name that is nobody's: so an event of
before that comes again, or comes only now, finds its row and writes nothing, and an answer that was
sent is not sent once more. An answer to what is forgotten that is not sent yet never is. The order
itself leaves an entry in the ledger, under a name that is made from the conversation's: by it an
operator's reply of before is known.

All of it may be done again, also after it broke off: what leads to the rest goes last. What the
customer writes afterwards is a new conversation. What is newer is told by the offsets of their
messages; of what a person wrote to them, by time. What is recorded while the order is carried out,
and after it, looks for it (`forgotten`).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from recado.dispatcher.documents import milliseconds
from recado.dispatcher.erasing import (
    FORGOTTEN,
    erase_answers,
    erase_messages,
    mark_messages,
    pages,
)
from recado.dispatcher.forgotten import forget_report, goes_on_as, without_turns
from recado.dispatcher.outgoing import Position
from recado.dispatcher.ports import Change, Document, Documents, Name
from recado.schemas.events import CustomerForgotten
from recado.schemas.ids import forgotten_id

KEPT: Final = timedelta(days=30)
"""How long it is known that there was an order: as long as any topic keeps what it is about."""

SKEW: Final = timedelta(seconds=5)
"""So much may the clocks of ingress and the broker differ."""

Where = Mapping[str, object]


async def forget(documents: Documents, event: CustomerForgotten, position: Position) -> None:
    """Erase what the event names, as far as it is older: the event may come again after newer."""
    at = milliseconds(position.timestamp)
    here: Where = {"conversation": event.conversation}
    theirs: Where = here if event.whole else {**here, "user": {"$in": list(event.users)}}
    wrote: Where = {**theirs, "topic": position.topic, "offset": {"$lt": position.offset}}
    await mark_messages(documents, wrote, at)
    keys = await goes_on_as(documents, event.conversation)
    if event.whole:
        await documents.apply([_ordered(event, position, at)])
        await _forget_by_time(documents, here, at)
    async for rows in pages(documents, Name.MESSAGES, wrote):
        await _forget_what_answers(documents, keys, rows, at)
        if not event.whole:
            await _forget_quotes(documents, event, rows, position)
        await erase_messages(documents, rows, at)
    if not event.whole:
        await _forget_reactions(documents, event, at)
        await documents.apply([_nobodys(event)])
    since = {**theirs, "topic": position.topic, "offset": {"$gt": position.offset}}
    if not await documents.select(Name.MESSAGES, since, by="_id", most=1):
        await _forget_who_they_are(documents, event, at)
    await documents.apply([_without_payload(str(one), at) for one in event.webhook_ids])


async def _forget_by_time(documents: Documents, here: Where, at: datetime) -> None:
    """What was written to the customer by then, whatever it answers, and reports on it."""
    by_then = {"at": {"$lte": at}}
    async for entries in pages(documents, Name.DELIVERIES, {**here, **by_then}):
        await documents.apply([one for entry in entries for one in _begun_by(entry, at)])
        await erase_answers(documents, [str(entry["_id"]) for entry in entries], at)
    said = {**here, "role": "assistant"}
    async for rows in pages(documents, Name.MESSAGES, {**said, **by_then}):
        await erase_answers(documents, [str(row["_id"]) for row in rows], at)
    # A report began it; what the ledger still has is an answer of later.
    async for rows in pages(documents, Name.MESSAGES, {**said, "at": {"$exists": False}}):
        ids = {str(row["_id"]) for row in rows}
        kept = await documents.read_many(Name.DELIVERIES, ids)
        await erase_answers(documents, ids - {str(entry["_id"]) for entry in kept}, at)
    async for reports in pages(documents, Name.STATUSES, here):
        for one in reports:
            await forget_report(documents, str(one["_id"]), at)


async def _forget_who_they_are(
    documents: Documents, event: CustomerForgotten, at: datetime
) -> None:
    """Delete conversation and user, where nothing newer was said: else they are new."""
    if event.whole:
        opened: Where = {"opened_at": {"$exists": True}}
        # One in which the customer said nothing a person may have made since.
        begun: Where = {"opened_at": {"$exists": False}, "last_activity_at": {"$not": {"$gt": at}}}
        for guard in (opened, begun):
            await documents.delete(Name.CONVERSATIONS, event.conversation, guard)
    for user in event.users:
        await documents.delete(Name.USERS, user, {"first_seen": {"$not": {"$gt": at + SKEW}}})


def _begun_by(entry: Document, at: datetime) -> Sequence[Change]:
    """Rows of messages that only this answer's mark has made: their events never came.

    For an answer of before the order only: one of later may answer a message that is to come.
    """
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
            guard={"kind": {"$exists": False}, "answered_by": {"$in": [None, entry["_id"]]}},
        )
        for one in (named if isinstance(named, list) else [])
    ]


async def _forget_what_answers(
    documents: Documents, keys: Sequence[str], rows: Collection[Document], at: datetime
) -> None:
    """What answers these messages, whenever it was made, and their turns."""
    ids = [str(row["_id"]) for row in rows]
    here: Where = {"conversation": keys[0]}
    await documents.apply(
        [without_turns(key, {name: {"$in": ids}}) for key in keys for name in ("id", "answers")]
    )
    async for entries in pages(documents, Name.DELIVERIES, {**here, "message_ids": {"$in": ids}}):
        await erase_answers(documents, [str(entry["_id"]) for entry in entries], at)
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
