"""Edits, revokes and reactions: applied to the message that they are about.

Each has a row of its own, which names the messages it is about in `amends`; the messages have the
same names in `platform_keys`. Whichever comes second applies: each writes its row first and looks
for the other then. All the changes commute and may be made again, so the end is the same:

- an edit's text replaces an older one's, never a newer one's; the texts are kept in `versions`;
- a revoke takes text, content and versions away, from the edits' rows too, and is final;
- of a person's reactions to a message the latest stays, also where it took one away.

Newer is by the platform's time, and within its whole seconds by the event's id.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from recado.dispatcher.documents import MAX_TURN_CHARACTERS
from recado.dispatcher.erasing import NOT_FORGOTTEN
from recado.dispatcher.ports import Change, Document, Documents, Name
from recado.schemas.webhooks import MessageKind

VERSIONS: Final = 10
"""Texts of a message that are kept, the current one among them."""

REACTIONS: Final = 100
"""Of a message, the latest."""

_ORIGINAL: Final = ""
"""The order of the text that a message came with: before any edit's."""

_FINAL: Final = "revoked"
"""The order of a turn that was taken back: after any edit's, for those begin with a digit."""


async def amend(documents: Documents, amendment: Document) -> None:
    """Apply an amendment, whose row is written, to the messages that are there already."""
    keys = _strings(amendment, "amends")
    targets = await documents.find_all(Name.MESSAGES, "platform_keys", keys)
    changes = [change for target in targets for change in _applied(amendment, target)]
    kind = amendment.get("kind")
    if kind != MessageKind.REACTION.value:
        beside = await documents.find_all(Name.MESSAGES, "amends", keys)
        changes += _taken_from_edits([amendment, *beside])
    if changes:
        await documents.apply(changes)


async def join(documents: Documents, row_id: str, keys: Collection[str]) -> None:
    """Apply what came before the message, whose row and turn are written."""
    found = await documents.find_all(Name.MESSAGES, "amends", keys)
    if not found:
        return
    target = await documents.read(Name.MESSAGES, row_id)
    if target is None:
        raise LookupError(f"the row of {row_id} went away")
    await documents.apply([change for one in found for change in _applied(one, target)])
    ids = [str(one["_id"]) for one in found]
    gone = {
        row["_id"]
        for row in await documents.read_many(Name.MESSAGES, ids)
        if row.get("forgotten_at") is not None
    }
    if gone:  # whose they were is forgotten since they were found
        orders = [_order(one) for one in found if one["_id"] in gone]
        put_back = {"$pull": {"reactions": {"order": {"$in": orders}}}}
        await documents.apply([Change(Name.MESSAGES, row_id, put_back)])


def _applied(amendment: Document, target: Document) -> list[Change]:
    ours = target.get("role") == "assistant"
    if amendment["kind"] == MessageKind.REACTION.value:
        return _reacted(amendment, str(target["_id"]))
    if amendment["kind"] == MessageKind.REVOKE.value:
        return [_part_taken_back(amendment, target)] if ours else _revoked(amendment, target)
    return [] if ours else _edited(amendment, target)


def _edited(edit: Document, target: Document) -> list[Change]:
    row_id, order, at = str(target["_id"]), _order(edit), _said_at(edit)
    text = edit.get("text")
    original = _version(target.get("text"), _said_at(target), _ORIGINAL)
    return [
        Change(  # until it is edited for the first time, its text is the original
            Name.MESSAGES,
            row_id,
            _push("versions", original, VERSIONS),
            guard={
                "edit_order": {"$exists": False},
                "versions.order": {"$ne": _ORIGINAL},
                "revoked_at": None,
                **NOT_FORGOTTEN,
            },
        ),
        Change(
            Name.MESSAGES,
            row_id,
            _push("versions", _version(text, at, order), VERSIONS),
            guard={"versions.order": {"$ne": order}, "revoked_at": None, **NOT_FORGOTTEN},
        ),
        Change(
            Name.MESSAGES,
            row_id,
            {
                "$set": {
                    "text": text,
                    "content": edit.get("content"),
                    "edited_at": at,
                    "edit_order": order,
                }
            },
            guard={
                "edit_order": {"$not": {"$gte": order}},
                "revoked_at": None,
                **NOT_FORGOTTEN,
            },
        ),
        _turn(target, _cut(text) or "", order),
    ]


def _revoked(revoke: Document, target: Document) -> list[Change]:
    return [_taken_back(str(target["_id"]), revoke), _turn(target, "", _FINAL)]


def _taken_back(row_id: str, revoke: Document) -> Change:
    return Change(
        Name.MESSAGES,
        row_id,
        {
            "$set": {"text": None, "content": None, "versions": []},
            "$unset": {"edited_at": "", "edit_order": ""},
            "$min": {"revoked_at": _said_at(revoke)},
        },
        guard=NOT_FORGOTTEN,
    )


def _part_taken_back(revoke: Document, target: Document) -> Change:
    """An answer may have several parts, and its text is ours: only what is gone is written down."""
    gone = set(_strings(revoke, "amends")) & set(_strings(target, "platform_keys"))
    return Change(
        Name.MESSAGES,
        str(target["_id"]),
        {"$addToSet": {"revoked_keys": {"$each": sorted(gone)}}},
        guard=NOT_FORGOTTEN,
    )


def _taken_from_edits(amendments: Sequence[Document]) -> list[Change]:
    """Take the words of a message that was taken back from the rows of its edits."""
    return [
        _taken_back(str(edit["_id"]), revoke)
        for revoke in amendments
        if revoke["kind"] == MessageKind.REVOKE.value
        for edit in amendments
        if edit["kind"] not in (MessageKind.REVOKE.value, MessageKind.REACTION.value)
        and set(_strings(edit, "amends")) & set(_strings(revoke, "amends"))
    ]


def _reacted(reaction: Document, row_id: str) -> list[Change]:
    content, order = reaction.get("content"), _order(reaction)
    put = content.get("reaction") if isinstance(content, dict) else None
    what = put if isinstance(put, dict) else {}
    entry = {
        "user": reaction["user"],
        "emoji": what.get("emoji"),
        "custom": what.get("custom"),
        "at": _said_at(reaction),
        "order": order,
    }
    return [
        Change(
            Name.MESSAGES,
            row_id,
            {"$pull": {"reactions": {"user": reaction["user"], "order": {"$lt": order}}}},
        ),
        Change(
            Name.MESSAGES,
            row_id,
            _push("reactions", entry, REACTIONS),
            guard={"reactions.user": {"$ne": reaction["user"]}, **NOT_FORGOTTEN},
        ),
    ]


def _turn(target: Document, text: str, order: str) -> Change:
    """The turn stays where it is, for else an older one would come back beside it."""
    not_newer = {"id": target["_id"], "edit_order": {"$not": {"$gte": order}}}
    return Change(
        Name.CONVERSATIONS,
        str(target["conversation"]),
        {"$set": {"recent.$.text": text, "recent.$.edit_order": order}},
        guard={"recent": {"$elemMatch": not_newer}},
    )


def _push(field: str, entry: object, most: int) -> dict[str, dict[str, object]]:
    return {"$push": {field: {"$each": [entry], "$sort": {"order": 1}, "$slice": -most}}}


def _version(text: object, at: datetime, order: str) -> dict[str, object]:
    return {"text": _cut(text), "at": at, "order": order}


def _cut(text: object) -> str | None:
    return text[:MAX_TURN_CHARACTERS] if isinstance(text, str) else None


def _said_at(row: Document) -> datetime:
    """The platform's time, or ours where it told none."""
    at = row.get("sent_at") or row["at"]
    if not isinstance(at, datetime):
        raise TypeError(f"row {row['_id']} has no time")
    return at


def _order(row: Document) -> str:
    # Always as long, so that MongoDB compares it as what it says.
    return f"{_said_at(row).isoformat(timespec='milliseconds')} {row['_id']}"


def _strings(row: Document, field: str) -> list[str]:
    found = row.get(field)
    return [str(one) for one in found] if isinstance(found, list) else []
