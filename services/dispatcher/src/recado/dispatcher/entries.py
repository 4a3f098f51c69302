"""What the ledger writes for an answer: an entry that is opened, or one that is closed already.

And what must hold of a part of it for a step to be made.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from recado.channels.contract import Part
from recado.dispatcher.delivery import Delivery, Outcome, PartState
from recado.dispatcher.documents import milliseconds
from recado.dispatcher.outgoing import Outgoing


def opened(
    answer: Outgoing, parts: Sequence[Part], *, now: datetime, kept: timedelta
) -> dict[str, Any]:
    """An entry with nothing done."""
    at = milliseconds(answer.event.occurred_at)
    return {
        **_place(answer, answer.text, at, answer.position.offset),
        "introduces": answer.introduces,
        "parts": [pending(part) for part in parts],
        "outcome": None,
        "created_at": now,
        "expires_at": now + kept,
    }


def closed(
    answer: Outgoing, delivery: Delivery, outcome: Outcome, kept: timedelta
) -> dict[str, Any]:
    """An entry as events tell of it."""
    parts = [
        {
            name: value
            # The times of claims are told by no event.
            for name, value in part.model_dump(
                mode="json", exclude={"claimed_at", "uncertain_at"}
            ).items()
            if value is not None
        }
        for part in delivery.parts
    ]
    entry = {
        **_place(answer, delivery.text, delivery.at, delivery.offset),
        "introduces": delivery.introduces,
        "parts": parts,
        "outcome": stored(outcome),
        "created_at": delivery.created_at,
        "expires_at": delivery.created_at + kept,
    }
    return entry if delivery.moved_to is None else entry | {"moved_to": delivery.moved_to}


def pending(part: Part) -> dict[str, object]:
    """A part that nobody has begun."""
    return {
        "content": part.model_dump(mode="json"),
        "state": PartState.PENDING.value,
        "attempt": 0,
        "repeats": 0,
    }


def stored(outcome: Outcome) -> dict[str, object]:
    """An outcome, its times as dates."""
    return outcome.model_dump(mode="json") | {"at": outcome.at, "deadline": outcome.deadline}


def step_guard(number: int, attempt: int | None, states: Sequence[PartState]) -> dict[str, object]:
    """Of that part: it is in one of these states, and its claim is this one, if that matters."""
    guard: dict[str, object] = {f"parts.{number}.state": {"$in": [state.value for state in states]}}
    if attempt is not None:
        guard[f"parts.{number}.attempt"] = attempt
    return guard


def _place(answer: Outgoing, text: str, at: datetime, offset: int) -> dict[str, Any]:
    return {
        "conversation": answer.conversation,
        "platform": answer.reply_to.platform,
        "integration": answer.reply_to.integration,
        "message_ids": [str(message) for message in answer.message_ids],
        "text": text,
        "at": at,
        "offset": offset,
    }
