"""What every model of the contract has in common."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, ParamSpec, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict


def _in_utc(moment: datetime) -> datetime:
    # A service's own times are in UTC as they are made.
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A point in time. Always aware, always UTC; RFC 3339 in JSON."""


Fields = ParamSpec("Fields")
Made = TypeVar("Made")


class Model(BaseModel):
    """Frozen, and strict for whoever writes: an unknown field is an error.

    Readers go through `recado.schemas.encoding.decode`, which ignores unknown fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


def unchecked(model: Callable[Fields, Made]) -> Callable[Fields, Made]:
    """The model's constructor without its validation, which takes six times as long.

    For a writer that has just made each field itself, of exactly the type that is declared: mypy
    asks the same of the arguments as of the model's own constructor, and nobody else asks anything.
    What may be wrong in the data (a length, a range) must be known to be right. The tests validate
    what was so made. All fields are named, none by place.
    """
    if not (isinstance(model, type) and issubclass(model, Model)):
        raise TypeError("not a model of the contract")
    # In the fields' order, which is that of the JSON.
    blank = {name: field.get_default() for name, field in model.model_fields.items()}
    for name, field in model.model_fields.items():
        if field.is_required():
            blank[name] = None

    def make(*_: Fields.args, **fields: Fields.kwargs) -> Made:
        made = new(model)
        content = made.__dict__
        content.update(blank)
        content.update(fields)
        put_fields_set(made, set(fields))
        put_extra(made, None)
        put_private(made, None)
        return made  # type: ignore[return-value]  # the model is what makes a Made

    new = object.__new__
    # The slots themselves: the model is frozen, and they need not be looked up by name.
    put_fields_set, put_extra, put_private = (
        BaseModel.__dict__[slot].__set__
        for slot in ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
    )
    return make


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
