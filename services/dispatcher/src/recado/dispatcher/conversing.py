"""When a conversation opens and closes: what a customer's message does to its document.

A conversation is open from the customer's first message until they have said nothing for
`closes_after`, or ask for a new one (`/reset`): then it closes, and the next message opens another
in the same document. It is what the customer says that counts, and when. Not our answers: they come
by another topic, and so at another time in a rebuild. Not the clock: it is needed only to notice
that nothing came (`closing`), and a message that was on its way meanwhile takes that back. So the
messages of a conversation in their order, and its answers at any time, however often, give the same
end. Only a message that comes after younger ones may make `opened_at` another, and so may a second
reset whose answer is recorded before its message.

A `/reset` is known by the answer to it (`history_from` is the time of its message), which may come
before its message is recorded, or after the next one's.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Final

from recado.dispatcher.documents import milliseconds
from recado.dispatcher.ports import Change, Document, Documents, Name
from recado.dispatcher.turns import CONVERSATION_BEGUN, NOT_SAID, is_said
from recado.schemas.webhooks import MessageKind

_OPEN: Final[Mapping[str, object]] = {"is_active": True, "closed_at": None, "closed_by": None}

_AT_ONCE: Final = 20
"""Messages after a reset that are looked at: the first of them that is said opens."""


class Closed(StrEnum):
    """Why a conversation is closed."""

    SILENCE = "silence"
    RESET = "reset"


def said(
    conversation: str,
    *,
    fields: dict[str, object],
    at: datetime,
    sent_at: datetime,
    closes_after: timedelta,
    turn: Change | None,
) -> Change:
    """A message of the open conversation, or the first of all, in one change.

    `at` is our time of it, by which conversations open and close; `sent_at` the platform's.
    It is not made where something has to be thought of: see `said_otherwise`.
    """
    update: dict[str, dict[str, object]] = {
        "$set": {**fields, **_OPEN, "blocked_at": None},
        "$setOnInsert": {"introduced": False, "handoff": None},
        "$min": {"opened_at": at},
        "$max": {"last_activity_at": at, "last_message_at": at, "last_sent_at": sent_at},
    }
    guard: dict[str, object] = {
        "is_active": {"$ne": False},
        "last_message_at": {"$gte": at - closes_after, "$lte": at},
        "opened_at": {"$lte": at + closes_after},
        "history_from": {"$not": {"$gte": at}},
        "blocked_at": {"$not": {"$gte": at}},
    }
    if turn is None:
        update["$setOnInsert"]["recent"] = []
    else:
        update |= {operator: {**pushed} for operator, pushed in turn.update.items()}
        guard |= turn.guard
    return Change(Name.CONVERSATIONS, conversation, update, guard=guard, upsert=True)


def said_otherwise(
    conversation: str,
    *,
    fields: dict[str, object],
    at: datetime,
    sent_at: datetime,
    closes_after: timedelta,
    turn: Change | None,
) -> list[Change]:
    """The same for a conversation that is there and is closed, blocked or ahead of this message."""

    def change(update: dict[str, dict[str, object]], guard: dict[str, object]) -> Change:
        return Change(Name.CONVERSATIONS, conversation, update, guard=guard)

    opened: dict[str, dict[str, object]] = {"$set": {**_OPEN, "opened_at": at}}
    still_open: dict[str, dict[str, object]] = {"$set": {**_OPEN}}
    changes = [
        change(opened, {"last_message_at": {"$not": {"$gte": at - closes_after}}}),
        change(opened, {"closed_by": Closed.RESET.value, "history_from": {"$lt": at}}),
        change(still_open, {"closed_by": Closed.SILENCE.value, "last_message_at": {"$lt": at}}),
        change(
            {"$min": {"opened_at": at}},
            {"opened_at": {"$lte": at + closes_after}, "history_from": {"$not": {"$gte": at}}},
        ),
        change({"$set": fields}, {"last_message_at": {"$not": {"$gt": at}}}),
        change(
            {"$max": {"last_activity_at": at, "last_message_at": at, "last_sent_at": sent_at}}, {}
        ),
        _closed_by_reset(conversation, at),
        change({"$set": {"blocked_at": None}}, {"blocked_at": {"$lt": at}}),
    ]
    return changes if turn is None else [*changes, turn]


def known(conversation: str, *, fields: dict[str, object], at: datetime) -> Change:
    """Something came that is not said: the document is there, and nothing opens or closes."""
    return Change(
        Name.CONVERSATIONS,
        conversation,
        {"$setOnInsert": {**CONVERSATION_BEGUN, **fields}, "$max": {"last_activity_at": at}},
        upsert=True,
    )


def blocked(conversation: str, at: datetime) -> Change:
    """The customer blocked us, unless they have written or come back since."""
    guard = {"last_message_at": {"$not": {"$gte": at}}, "unblocked_at": {"$not": {"$gte": at}}}
    return Change(Name.CONVERSATIONS, conversation, {"$max": {"blocked_at": at}}, guard=guard)


def unblocked(conversation: str, at: datetime) -> list[Change]:
    """The customer let us write again."""
    return [
        Change(Name.CONVERSATIONS, conversation, {"$max": {"unblocked_at": at}}),
        Change(
            Name.CONVERSATIONS,
            conversation,
            {"$set": {"blocked_at": None}},
            guard={"blocked_at": {"$lt": at}},
        ),
    ]


async def close_by_reset(documents: Documents, conversation: str, at: datetime) -> None:
    """Close the conversation at the message of that time, which asked for it.

    Where something was said since, it is open again since then.
    """
    (closed,) = await documents.apply([_closed_by_reset(conversation, at)])
    if closed:
        return
    since = await documents.select(
        Name.MESSAGES,
        {
            "conversation": conversation,
            "role": "user",
            "kind": {"$exists": True, "$nin": [kind.value for kind in NOT_SAID]},
            "at": {"$gt": at},
        },
        by="at",
        most=_AT_ONCE,
    )
    opening = (row["at"] for row in since if _is_said(row))
    await documents.apply(
        [
            Change(
                Name.CONVERSATIONS,
                conversation,
                {"$set": {"opened_at": opened_at}},
                guard={
                    "history_from": at,
                    "opened_at": {"$lte": at},
                    "last_message_at": {"$gt": at},
                },
            )
            for opened_at in islice(opening, 1)
        ]
    )


def _is_said(row: Document) -> bool:
    return is_said(MessageKind(str(row["kind"])), addressed=bool(row.get("addressed", True)))


def _closed_by_reset(conversation: str, at: datetime) -> Change:
    return Change(
        Name.CONVERSATIONS,
        conversation,
        {"$set": {"is_active": False, "closed_at": at, "closed_by": Closed.RESET.value}},
        guard={"history_from": at, "last_message_at": {"$not": {"$gt": at}}},
    )


def close_by_silence(conversation: str, last_message_at: datetime, after: timedelta) -> Change:
    """Close the conversation, unless something was said since."""
    return Change(
        Name.CONVERSATIONS,
        conversation,
        {
            "$set": {
                "is_active": False,
                "closed_at": milliseconds(last_message_at + after),
                "closed_by": Closed.SILENCE.value,
            }
        },
        guard={"is_active": True, "last_message_at": last_message_at},
    )
