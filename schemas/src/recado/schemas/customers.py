"""What is ordered about customers."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from recado.schemas.base import Model, Moment


class CustomerForgotten(Model):
    """A customer is to be forgotten: what is kept of them is erased by whoever keeps it.

    One event for each conversation, and more where webhooks are many. What comes after it is new.
    """

    type: Literal["customer.forgotten"] = "customer.forgotten"
    id: UUID
    occurred_at: Moment
    conversation: str
    users: tuple[str, ...] = Field(
        description="`{platform}:{integration}:{user id}`, by every id that the customer has had"
    )
    whole: bool = Field(
        description="The conversation is theirs alone. If not, only what they wrote in it and what "
        "answers that is erased"
    )
    webhook_ids: tuple[UUID, ...] = Field(
        default=(), description="Webhooks whose payloads are erased"
    )
