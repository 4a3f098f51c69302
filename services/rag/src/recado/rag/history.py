"""What was said before, as the next answer needs it.

Two views of a conversation are laid over each other: its document in MongoDB, which the dispatcher
writes and which lags behind, and rag's own answers that are not in it yet. Each turn has the id of
its message or answer, so none counts twice. A `/reset` cuts off everything said before it, in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from recado.schemas.answers import AnswerGenerated, Rung, Turn
from recado.schemas.events import MessageReceived

MAX_TURNS = 10
MAX_TURN_CHARACTERS = 1500


@dataclass(frozen=True, slots=True)
class Entry:
    """A turn, and the id of the message or answer that it is."""

    id: UUID
    role: Literal["user", "assistant"]
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as its document has it."""

    introduced: bool = False
    opted_out: bool = False
    """The customer wants no automatic answers."""
    entries: tuple[Entry, ...] = ()
    """Oldest first; what was said before the last `/reset` that the document knows is not in it."""


class Conversations(Protocol):
    """Reads conversations."""

    async def read(self, conversation: str) -> Conversation:
        """The conversation; an empty one where there is no document yet.

        Raises `HistoryUnavailable`, within a second or so.
        """
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answer of our own, with the turns that it makes.

    The customer's turns are known where this process answered them itself; an exchange that was
    read back from the topic has only the answer's.
    """

    answer_id: UUID
    at: datetime
    rung: Rung
    introduces: bool
    resets_history: bool
    entries: tuple[Entry, ...]
    opts_out: bool | None = None
    """See `AnswerGenerated.opts_out`."""

    @classmethod
    def of(cls, answer: AnswerGenerated, messages: Sequence[MessageReceived] = ()) -> "Exchange":
        """The exchange that this answer, and the messages it answers, make."""
        said = [
            Entry(one.id, "user", one.text[:MAX_TURN_CHARACTERS], one.occurred_at)
            for one in messages
            if one.text and one.text.strip()
        ]
        answered = Entry(
            answer.id, "assistant", answer.text[:MAX_TURN_CHARACTERS], answer.occurred_at
        )
        return cls(
            answer_id=answer.id,
            at=answer.occurred_at,
            rung=answer.rung,
            introduces=answer.introduces,
            resets_history=answer.resets_history,
            opts_out=answer.opts_out,
            entries=(*said, answered),
        )


@dataclass(frozen=True, slots=True)
class Past:
    """What came before the messages that are to be answered."""

    turns: tuple[Turn, ...] = ()
    introduced: bool = True
    apologised: bool = False
    """The last answer was an apology already."""
    opted_out: bool = False
    """The customer wants no automatic answers, as far as is known."""
    unavailable: bool = False
    """The document could not be read: `turns` are at most those of this process's own memory."""


def past(
    conversation: Conversation | None,
    exchanges: Sequence[Exchange],
    messages: Sequence[MessageReceived],
) -> Past:
    """The past of `messages`. `conversation` is None where it could not be read.

    `exchanges` are our own recent ones, oldest first. Turns of customers that came after the
    messages are left out: they are answered later.
    """
    entries = {} if conversation is None else {entry.id: entry for entry in conversation.entries}
    for exchange in exchanges:
        if exchange.resets_history:
            entries = {key: entry for key, entry in entries.items() if entry.at > exchange.at}
        else:
            for entry in exchange.entries:
                entries.setdefault(entry.id, entry)
    now = {message.id for message in messages}
    until = max(message.occurred_at for message in messages)
    before = sorted(
        (
            entry
            for entry in entries.values()
            if entry.id not in now and (entry.role == "assistant" or entry.at <= until)
        ),
        key=lambda entry: entry.at,
    )
    return Past(
        turns=tuple(
            Turn(role=entry.role, text=entry.text[:MAX_TURN_CHARACTERS], at=entry.at)
            for entry in before[-MAX_TURNS:]
        ),
        # Without the document nobody knows; to introduce oneself twice is worse than not at all.
        introduced=conversation is None
        or conversation.introduced
        or any(exchange.introduces for exchange in exchanges),
        opted_out=_opted_out(conversation, exchanges),
        apologised=bool(exchanges) and exchanges[-1].rung is Rung.APOLOGY,
        unavailable=conversation is None,
    )


def _opted_out(conversation: Conversation | None, exchanges: Sequence[Exchange]) -> bool:
    """What was ordered last. Our own answers are ahead of the document."""
    ordered = [one.opts_out for one in exchanges if one.opts_out is not None]
    if ordered:
        return ordered[-1]
    return conversation is not None and conversation.opted_out
