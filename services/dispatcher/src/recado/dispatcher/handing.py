"""Who is in charge of a conversation: the assistant, or a person since a moment.

What was ordered last counts, by the broker's time and offset of the orders: within a conversation's
partition they only grow, so an older one that comes again changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime

from recado.dispatcher.documents import milliseconds
from recado.dispatcher.outgoing import Position
from recado.dispatcher.ports import Change, Name
from recado.dispatcher.turns import CONVERSATION_BEGUN
from recado.schemas.events import HandoffReleased, HandoffRequested


def handed_off(event: HandoffRequested | HandoffReleased, position: Position) -> Change:
    """Who is in charge from here on."""
    at, since = milliseconds(position.timestamp), milliseconds(event.occurred_at)
    handoff: dict[str, object] | None = None
    if isinstance(event, HandoffRequested):
        handoff = {"since": since, "reason": event.reason}
    begun = {name: value for name, value in CONVERSATION_BEGUN.items() if name != "handoff"}
    return Change(
        Name.CONVERSATIONS,
        event.conversation,
        {
            "$set": {"handoff": handoff, "handoff_position": [at, position.offset]},
            "$setOnInsert": {**begun, "last_activity_at": since},
        },
        guard=handed_off_before(at, position.offset),
        upsert=True,
    )


def handed_off_before(at: datetime, offset: int) -> Mapping[str, object]:
    """The guard of an order from there: the last one is older, or there is none."""
    return {
        "$or": [
            {"handoff_position": {"$exists": False}},
            {"handoff_position.0": {"$lt": at}},
            {"handoff_position.0": at, "handoff_position.1": {"$lt": offset}},
        ]
    }
