"""What the dispatcher writes: what became of each answer."""

from datetime import timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from pydantic import Field

from recado.schemas.base import Model, Moment
from recado.schemas.webhooks import PlatformError

LONGEST_TO_DELIVER: Final = timedelta(minutes=25)
"""An answer's deadline is at most so long after it was made or driven again: the dispatcher gives a
record up after five minutes more, and an answer must have ended by its deadline before."""


class Template(Model):
    """A message that the platform approved beforehand, sent by its name."""

    name: str
    language: str
    text_parameter: str | None = None
    """What the platform calls the place of the answer's text; None: it has no name."""
    carries_text: bool = True
    """Whether the answer's text is in it. If not, it only asks the customer to write."""


class AnswerDelivered(Model):
    """The platform accepted every part of an answer."""

    type: Literal["answer.delivered"] = "answer.delivered"
    id: UUID
    occurred_at: Moment
    answer_id: UUID
    conversation: str
    message_ids: tuple[UUID, ...] = Field(description="The messages that it answers")
    platform_message_ids: tuple[str, ...] = Field(
        description="The platform's ids of its parts, in order; empty string where not known"
    )
    repeated_parts: int = Field(
        default=0, ge=0, description="Parts sent again because their first result was not known"
    )
    templates: tuple[Template | None, ...] = Field(
        default=(), description="What each part went as, where any went as a template"
    )
    moved_to: str | None = Field(
        default=None, description="The chat that it went to, where the platform said so meanwhile"
    )


class NotDeliveredReason(StrEnum):
    """Why an answer was not sent."""

    EXPIRED = "expired"  # past its deadline
    HANDOFF = "handoff"  # a person is in charge
    SUPERSEDED = "superseded"  # all its messages were answered by another answer
    REFUSED = "refused"  # the platform refused it for good
    BLOCKED = "blocked"  # the customer blocked the sender
    OPTED_OUT = "opted_out"  # the customer wants no automatic answers
    WINDOW_CLOSED = "window_closed"  # outside WhatsApp's 24 hours
    UNKNOWN_INTEGRATION = "unknown_integration"  # no such integration, or disabled
    UNCERTAIN = "uncertain"  # the result was never known, and sending again is not wanted


class AnswerNotDelivered(Model):
    """An answer that was not sent, and why. It can be driven again."""

    type: Literal["answer.not_delivered"] = "answer.not_delivered"
    id: UUID
    occurred_at: Moment
    answer_id: UUID
    conversation: str
    message_ids: tuple[UUID, ...] = ()
    reason: NotDeliveredReason
    error: PlatformError | None = None
    parts_sent: int = Field(default=0, ge=0, description="Parts that did arrive")
    platform_message_ids: tuple[str, ...] = Field(
        default=(),
        description="The platform's ids of its parts, in order; empty string where not known, or "
        "not sent",
    )
    repeated_parts: int = Field(
        default=0, ge=0, description="Parts sent again because their first result was not known"
    )
    templates: tuple[Template | None, ...] = Field(
        default=(), description="What each part went as, where any went as a template"
    )
    moved_to: str | None = Field(
        default=None, description="The chat that it was for, where the platform said so meanwhile"
    )
