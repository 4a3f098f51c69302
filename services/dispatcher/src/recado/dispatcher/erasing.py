"""Rows without their content: what is left of a customer who is forgotten.

A row that is erased is marked first (`forgotten_at`, and a kind that is nobody's): whoever writes
to a row of before looks for that mark, so nothing comes to it between the look at what is in it and
the change that takes it away. What leads to a row is erased after the row: whoever begins again
after a crash finds what is left to do.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from recado.dispatcher.ports import Change, Document, Documents, Name

FORGOTTEN: Final = "(forgotten)"
"""The conversation and the kind of what is forgotten, and what answers it."""

NOT_FORGOTTEN: Final[Mapping[str, object]] = {"forgotten_at": {"$exists": False}}
"""The guard of whoever changes a message's row that another event has made."""

AT_ONCE: Final = 500
"""Documents of one request."""

_KEPT: Final = frozenset({"_id", "role", "conversation", "kind", "answered_by", "forgotten_at"})


async def pages(
    documents: Documents, collection: Name, where: Mapping[str, object]
) -> AsyncIterator[list[Document]]:
    """The documents of a filter, `AT_ONCE` at a time; they may be changed meanwhile."""
    last = ""
    while rows := await documents.select(
        collection, {**where, "_id": {"$gt": last}}, by="_id", most=AT_ONCE
    ):
        yield rows
        last = str(rows[-1]["_id"])


async def mark_messages(documents: Documents, where: Mapping[str, object], at: datetime) -> None:
    """Mark customers' rows: from now on nothing that answers one of them is sent."""
    async for rows in pages(documents, Name.MESSAGES, where):
        marked = {"forgotten_at": at, "answered_by": FORGOTTEN}
        await documents.apply(
            [Change(Name.MESSAGES, str(row["_id"]), {"$set": marked}) for row in rows]
        )


async def erase_messages(documents: Documents, rows: Sequence[Document], at: datetime) -> None:
    """Leave nothing of customers' rows, which are marked, but that they were there."""
    await documents.apply([_without_content(row, at) for row in rows])


async def erase_answers(documents: Documents, ids: Collection[str], at: datetime) -> None:
    """Leave nothing of these answers: a row that takes no report, and an entry that sends nothing.

    The row is made where there is none yet: the platform may report on what was just sent.
    """
    await documents.apply(
        [
            Change(
                Name.MESSAGES,
                one,
                {
                    "$set": {"forgotten_at": at, "kind": FORGOTTEN},
                    "$setOnInsert": {"conversation": FORGOTTEN, "role": "assistant"},
                },
                upsert=True,
            )
            for one in ids
        ]
    )
    rows = await documents.read_many(Name.MESSAGES, ids)
    await documents.apply([_without_content(row, at) for row in rows])
    empty: dict[str, object] = {"text": "", "parts": [], "message_ids": [], "outcome": None}
    update: dict[str, Mapping[str, object]] = {
        "$set": {"conversation": FORGOTTEN, "forgotten_at": at, **empty},
        "$unset": dict.fromkeys(("platform", "integration", "moved_to"), ""),
    }
    await documents.apply([Change(Name.DELIVERIES, one, update) for one in ids])


def _without_content(row: Document, at: datetime) -> Change:
    left: dict[str, object] = {"conversation": FORGOTTEN, "kind": FORGOTTEN, "forgotten_at": at}
    if row.get("role") == "user":
        left["answered_by"] = FORGOTTEN
    update: dict[str, Mapping[str, object]] = {"$set": left}
    gone: dict[str, object] = dict.fromkeys(row.keys() - _KEPT, "")
    if gone:
        update["$unset"] = gone
    return Change(Name.MESSAGES, str(row["_id"]), update)
