"""Customers, as their messages tell of them.

The `_id` is the platform's most lasting name for the person; on WhatsApp the user id where there is
one, and the number is an alias. Whoever looks for a customer looks for the `_id` and in `aliases`.

A number or user id that changes names one person twice. If the old or the new one is an identity of
ours, both have a document, each with the other as alias, and the old one says who replaced it. The
conversation's key is where replies go, so with the address it becomes another one: the old
conversation falls silent and closes, the next message opens one under the new key.
"""

from collections.abc import Mapping
from datetime import datetime

from recado.dispatcher.documents import user_id
from recado.dispatcher.ports import Change, Name
from recado.schemas.content import Change as SystemChangeKind
from recado.schemas.events import MessageReceived

_RENAMED = frozenset({SystemChangeKind.NUMBER_CHANGED, SystemChangeKind.USER_ID_CHANGED})


def user_seen(event: MessageReceived, at: datetime) -> list[Change]:
    """Whoever wrote, and who they were before where the message says so."""
    old, new = _renamed(event)
    person = event.user
    known = {one for one in (*person.aliases, old, new) if one is not None and one != person.id}
    names: Mapping[str, object] = {
        "name": person.name,
        "username": person.username,
        "language": person.language,
    }
    user = _id(event, person.id)
    seen = _also(event, person.id, sorted(known))
    changes = [
        Change(
            Name.USERS,
            user,
            {**seen.update, "$min": {"first_seen": at}, "$max": {"last_seen": at}},
            upsert=True,
        )
    ]
    if person.name or person.username:  # what the platform itself says names nobody
        changes.append(_newer(user, {**names, "named_at": at}, "named_at", at))
    if old is not None and new is not None and person.id in (old, new):
        other = old if person.id == new else new
        changes += [
            _also(event, other, sorted({person.id, *person.aliases} - {other})),
            _newer(
                _id(event, old),
                {"replaced_by": _id(event, new), "replaced_at": at},
                "replaced_at",
                at,
            ),
        ]
    return changes


def _renamed(event: MessageReceived) -> tuple[str | None, str | None]:
    system = None if event.content is None else event.content.system
    if system is None or system.change not in _RENAMED or system.old == system.new:
        return None, None
    return system.old, system.new


def _also(event: MessageReceived, identity: str, aliases: list[str]) -> Change:
    """Somebody of that id, who has these other ids too."""
    return Change(
        Name.USERS,
        _id(event, identity),
        {
            "$setOnInsert": {
                "platform": event.reply_to.platform,
                "integration": event.reply_to.integration,
                "user_id": identity,
            },
            "$addToSet": {"aliases": {"$each": aliases}},
        },
        upsert=True,
    )


def _newer(user: str, fields: Mapping[str, object], clock: str, at: datetime) -> Change:
    """Older news does not replace newer."""
    return Change(Name.USERS, user, {"$set": fields}, guard={clock: {"$not": {"$gte": at}}})


def _id(event: MessageReceived, identity: str) -> str:
    return user_id(event.reply_to.platform, event.reply_to.integration, identity)
