"""A document of the ledger: an answer's parts and how far each is.

Each part goes `pending → claimed → sent | failed | uncertain`:

- `pending`: nobody is sending it; nothing of it was sent by the last attempt.
- `claimed`: the request of `owner` may be under way. `attempt` grows with every claim and so names
  one claim for good.
- `sent`: the platform took it (it said so, or a status report did).
- `failed`: the platform refused it for good, `reason` and `error` say why.
- `uncertain`: the request went out and nobody knows the result; it may have been sent.

An answer has an `outcome` once it needs nothing more: delivered, or the reason why not.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from recado.channels.contract import Part
from recado.schemas.deliveries import NotDeliveredReason, Template
from recado.schemas.webhooks import PlatformError


class PartState(StrEnum):
    """How far a part is."""

    PENDING = "pending"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


def only_invites(part: Part) -> bool:
    """Whether it carries nothing of the answer, and only asks the customer to write."""
    return part.template is not None and not part.template.carries_text


class _Kept(BaseModel):
    """Read back from the store; fields of a newer writer are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _as_stored(value: object) -> object:
    return Part.model_validate(value, extra="ignore") if isinstance(value, dict) else value


class PartEntry(_Kept):
    """One part."""

    content: Annotated[Part, BeforeValidator(_as_stored)]
    state: PartState = PartState.PENDING
    attempt: int = 0
    repeats: int = 0
    """How often it was sent again because an earlier result was not known."""
    repeats_before: int = 0
    """Those of them before the answer was last driven again."""
    unclassified: int = 0
    """How often it was refused for a reason that we have no name for."""
    owner: str | None = None
    claimed_at: datetime | None = None
    uncertain_at: datetime | None = None
    """Since when something of it may have arrived that nobody knows of."""
    platform_message_id: str | None = None
    reason: NotDeliveredReason | None = None
    error: PlatformError | None = None

    @property
    def has_invited(self) -> bool:
        """The customer was asked to write; nothing of the answer went out with it."""
        return self.state is PartState.SENT and only_invites(self.content)

    @property
    def repeats_this_time(self) -> int:
        """Those since the answer was last driven again."""
        return self.repeats - self.repeats_before


class Outcome(_Kept):
    """The end of an answer. `reason` is None where it was delivered."""

    reason: NotDeliveredReason | None = None
    error: PlatformError | None = None
    at: datetime
    deadline: datetime
    """The deadline that it was decided under. The same answer with a later one is to be tried
    again, if it was not delivered."""


class Delivery(_Kept):
    """An answer in the ledger."""

    id: str = Field(alias="_id")
    conversation: str
    text: str
    at: datetime
    """When it was generated; with `offset`, that of the event that was first opened."""
    offset: int
    parts: tuple[PartEntry, ...]
    created_at: datetime
    introduces: bool = False
    """Its text says that an automatic assistant answers."""
    outcome: Outcome | None = None
    forgotten_at: datetime | None = None
    """Its customer is forgotten: there is nothing to send, and nothing to tell."""
    moved_to: str | None = None
    """The chat that it goes to, where the platform said so meanwhile."""

    @property
    def begun(self) -> bool:
        """Something of the answer itself was sent, or may have been."""
        return any(
            part.state is not PartState.PENDING and not part.has_invited for part in self.parts
        )

    @property
    def only_invites(self) -> bool:
        """It asks the customer to write, and nothing of the answer is in it."""
        return bool(self.parts) and all(only_invites(part.content) for part in self.parts)

    @property
    def templates(self) -> tuple[Template | None, ...]:
        """Those of the parts in order; none where no part has one."""
        held = tuple(part.content.template for part in self.parts)
        return held if any(held) else ()

    @property
    def open_parts(self) -> tuple[PartEntry, ...]:
        """Those that are not sent."""
        return tuple(part for part in self.parts if part.state is not PartState.SENT)

    @property
    def parts_sent(self) -> int:
        return sum(part.state is PartState.SENT for part in self.parts)

    @property
    def repeated_parts(self) -> int:
        return sum(part.repeats > 0 for part in self.parts)

    @property
    def platform_message_ids(self) -> tuple[str, ...]:
        """Of the parts in order; empty where not known."""
        return tuple(part.platform_message_id or "" for part in self.parts)


def with_sent(
    delivery: Delivery, number: int, platform_message_id: str, outcome: Outcome | None
) -> Delivery:
    """The delivery once a part is sent, and closed where there is an outcome."""
    parts = list(delivery.parts)
    parts[number] = parts[number].model_copy(
        update={"state": PartState.SENT, "platform_message_id": platform_message_id}
    )
    return delivery.model_copy(
        update={"parts": tuple(parts), "outcome": outcome or delivery.outcome}
    )
