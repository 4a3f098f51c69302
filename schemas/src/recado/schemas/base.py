"""What every model of the contract has in common."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A point in time. Always aware, always UTC; RFC 3339 in JSON."""


class Model(BaseModel):
    """Frozen, and strict for whoever writes: an unknown field is an error.

    Readers go through `recado.schemas.encoding.decode`, which ignores unknown fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class Platform(StrEnum):
    """A messaging platform that customers write on."""

    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
