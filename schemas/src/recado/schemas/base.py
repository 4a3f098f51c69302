"""What every model of the contract has in common."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict


def _in_utc(moment: datetime) -> datetime:
    # A service's own times are in UTC as they are made.
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A point in time. Always aware, always UTC; RFC 3339 in JSON."""


class Model(BaseModel):
    """Frozen, and strict for whoever writes: an unknown field is an error.

    Readers go through `recado.schemas.encoding.decode`, which ignores unknown fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


@lru_cache(maxsize=128)  # every event names one, and there are few
def _platform_name(name: str) -> str:
    # No pattern in the exported schema: what was released there is an enumeration, and a pattern
    # can't be compared with that.
    if _PLATFORM_NAME.fullmatch(name) is None:
        raise ValueError("must be a small letter, then at most 31 small letters, digits and _")
    return str(name)


_PLATFORM_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)

PlatformName = Annotated[str, AfterValidator(_platform_name)]
"""A messaging platform. Which there are is known to `recado.channels` alone: a new one changes no
event."""


class Platform(StrEnum):
    """The platforms that Recado comes with, by name. No part of Recado is bound to these."""

    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
