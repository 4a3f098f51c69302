"""What tells that a customer is forgotten, for whoever writes something of them afterwards.

The order (`forgetting`) marks the rows of their messages first and leaves an entry in the ledger.
Who writes first and looks for these then leaves nothing: either they are there, and what was
written is erased, or the order comes after it and finds what was written.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from recado.dispatcher.coverage import uncovering
from recado.dispatcher.documents import milliseconds
from recado.dispatcher.erasing import erase_answers
from recado.dispatcher.outgoing import Outgoing
from recado.dispatcher.ports import Change, Documents, Name
from recado.schemas.ids import forgotten_id
from recado.schemas.webhooks import DeliveryStatus

_MOST_MOVES: Final = 10
"""Chats that a conversation is followed through."""

_MADE_BY_OTHERS: Final = ("opened_at", "user", "handoff_position")
"""What a conversation has as soon as the customer did anything, or a person was in charge."""


async def forgotten_at(documents: Documents, answer: Outgoing) -> datetime | None:
    """Since when a message that it answers is forgotten, or all that was said before it.

    None: nothing is. One row an answer, as a rule: those of many travel in one request.
    """
    if answer.message_ids:
        rows = await documents.read_many(Name.MESSAGES, [str(one) for one in answer.message_ids])
        times = (row.get("forgotten_at") for row in rows)
        return next((at for at in times if isinstance(at, datetime)), None)
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
    keys = await goes_on_as(documents, answer.conversation)
    await documents.apply([without_turns(key, {"id": str(answer.id)}) for key in keys])
    await documents.apply(uncovering(answer))
    if await documents.read(Name.DELIVERIES, str(forgotten_id(answer.conversation))):
        by_nobody_else = {name: {"$exists": False} for name in _MADE_BY_OTHERS}
        await documents.delete(Name.CONVERSATIONS, answer.conversation, by_nobody_else)


async def forget_report(documents: Documents, report_id: str, at: datetime) -> None:
    """Delete the platform's reports on one message, if all of them are of then or before."""
    by_then = {f"reports.{status.value}": {"$not": {"$gt": at}} for status in DeliveryStatus}
    await documents.delete(Name.STATUSES, report_id, by_then)


async def goes_on_as(documents: Documents, conversation: str) -> list[str]:
    """The conversation's key, and those that it has had since in other chats."""
    keys = [conversation]
    while len(keys) < _MOST_MOVES:
        row = await documents.read(Name.CONVERSATIONS, keys[-1])
        moved_to = (row or {}).get("moved_to")
        if not isinstance(moved_to, str) or moved_to in keys:
            break
        keys.append(moved_to)
    return keys


def without_turns(conversation: str, which: Mapping[str, object]) -> Change:
    return Change(Name.CONVERSATIONS, conversation, {"$pull": {"recent": which}})
