"""What is to be sent: an assistant's answer and a person's reply in one form."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from recado.schemas.conversations import ReplyTo
from recado.schemas.events import AnswerGenerated, OperatorReplied


@dataclass(frozen=True, slots=True)
class Position:
    """Where an event came from. `timestamp` is the broker's for conversation topics."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An answer to be sent. Alone it is enough to send."""

    event: AnswerGenerated | OperatorReplied
    position: Position

    @property
    def id(self) -> UUID:
        return self.event.id

    @property
    def conversation(self) -> str:
        return self.event.conversation

    @property
    def reply_to(self) -> ReplyTo:
        return self.event.reply_to

    @property
    def text(self) -> str:
        return self.event.text

    @property
    def deadline(self) -> datetime:
        return self.event.deadline

    @property
    def by_operator(self) -> bool:
        """A person wrote it: a hand-off does not hold it back."""
        return isinstance(self.event, OperatorReplied)

    @property
    def message_ids(self) -> tuple[UUID, ...]:
        """The messages that it answers; none that we know of for a person's reply."""
        return self.event.message_ids if isinstance(self.event, AnswerGenerated) else ()

    @property
    def introduces(self) -> bool:
        """It tells the customer that an automatic assistant answers."""
        return isinstance(self.event, AnswerGenerated) and self.event.introduces

    @property
    def quoted_message_id(self) -> str | None:
        """The platform's id of the message that it refers to."""
        return self.event.quoted_message_id if isinstance(self.event, AnswerGenerated) else None

    @property
    def received_at(self) -> datetime | None:
        """When the webhook of the oldest message answered came."""
        return self.event.received_at if isinstance(self.event, AnswerGenerated) else None
