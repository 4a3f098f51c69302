"""The last turns of a conversation, kept in its document so that rag reads one document.

`recent` holds the 20 latest turns by time, each once, whatever order they come in: a turn is pushed
only where its id is not there, and the array is sorted and cut in the same update. A turn that was
cut off and comes again is cut off again, for its time is that of its first delivery. One whose
message was taken back stays, without its words (`amending`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from recado.dispatcher.documents import MAX_TURN_CHARACTERS, RECENT_TURNS
from recado.dispatcher.ports import Change, Name
from recado.schemas.webhooks import MessageKind

NOT_SAID: Final = frozenset(
    {MessageKind.EDIT, MessageKind.REVOKE, MessageKind.REACTION, MessageKind.SYSTEM}
)
"""What changes a message, or is the platform's own."""


def is_said(kind: MessageKind, *, addressed: bool) -> bool:
    """Whether somebody says something with it, be it with a picture.

    An update of no known kind that is for nobody is none: a boost, a count of reactions.
    """
    return kind not in NOT_SAID and (addressed or kind is not MessageKind.OTHER)


def is_turn(kind: MessageKind, text: str | None) -> bool:
    """Whether a customer's message is something said: it has words, and they are new."""
    return bool(text) and kind not in NOT_SAID


def push_turn(
    conversation: str,
    *,
    turn_id: UUID,
    role: str,
    text: str,
    at: object,
    offset: object,
    answers: tuple[UUID, ...] = (),
    operator: str | None = None,
) -> Change:
    """Put a turn into `recent`. The conversation's document must exist."""
    turn: dict[str, object] = {
        "id": str(turn_id),
        "role": role,
        "text": text[:MAX_TURN_CHARACTERS],
        "at": at,
        "offset": offset,
    }
    if role == "assistant":
        turn |= {"answers": [str(message) for message in answers], "operator": operator}
    return pushed(conversation, turn)


def pushed(conversation: str, turn: Mapping[str, object]) -> Change:
    """The turn in `recent`, if it is not there."""
    return Change(
        Name.CONVERSATIONS,
        conversation,
        {
            "$push": {
                "recent": {
                    "$each": [turn],
                    "$sort": {"at": 1, "offset": 1, "id": 1},
                    "$slice": -RECENT_TURNS,
                }
            }
        },
        guard={"recent.id": {"$ne": turn["id"]}},
    )


CONVERSATION_BEGUN: Final[Mapping[str, object]] = {
    "is_active": False,
    "introduced": False,
    "handoff": None,
    "blocked_at": None,
    "closed_at": None,
    "closed_by": None,
    "recent": [],
}
"""The fields of a conversation in which the customer has said nothing yet."""


def conversation_seen(
    conversation: str,
    *,
    fields: dict[str, object],
    at: datetime,
    latest: dict[str, datetime] | None = None,
) -> Change:
    """Make sure that the conversation's document is there, and that it knows of this moment.

    Only what the customer says opens it: see `conversing`.
    """
    update: dict[str, dict[str, object]] = {
        "$set": fields,
        "$setOnInsert": {**CONVERSATION_BEGUN},
        "$max": {"last_activity_at": at, **(latest or {})},
    }
    return Change(Name.CONVERSATIONS, conversation, update, upsert=True)
