"""The last turns of a conversation, kept in its document so that rag reads one document.

`recent` holds the 20 latest turns by time, each once, whatever order they come in: a turn is pushed
only where its id is not there, and the array is sorted and cut in the same update. A turn that was
cut off and comes again is cut off again, for its time is that of its first delivery.
"""

from datetime import datetime
from uuid import UUID

from recado.dispatcher.documents import MAX_TURN_CHARACTERS, RECENT_TURNS
from recado.dispatcher.ports import Change, Name
from recado.schemas.webhooks import MessageKind

_NOT_SAID = frozenset(
    {MessageKind.EDIT, MessageKind.REVOKE, MessageKind.REACTION, MessageKind.SYSTEM}
)


def is_turn(kind: MessageKind, text: str | None) -> bool:
    """Whether a customer's message is something said: it has words, and they are new."""
    return bool(text) and kind not in _NOT_SAID


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
        guard={"recent.id": {"$ne": str(turn_id)}},
    )


def conversation_seen(
    conversation: str,
    *,
    fields: dict[str, object],
    at: datetime,
    latest: dict[str, datetime] | None = None,
) -> Change:
    """Make sure that the conversation's document is there, and that it knows of this moment."""
    update: dict[str, dict[str, object]] = {
        "$set": fields,
        "$setOnInsert": {
            "is_active": True,
            "introduced": False,
            "handoff": None,
            "blocked_at": None,
            "recent": [],
        },
        "$min": {"opened_at": at},
        "$max": {"last_activity_at": at, **(latest or {})},
    }
    return Change(Name.CONVERSATIONS, conversation, update, upsert=True)
