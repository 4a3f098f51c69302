"""Reading JSON that somebody else wrote: every access checks the type it finds.

A field that is missing or of another type is None; whether that matters is the caller's to say, by
raising `Malformed` for the part at hand.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TypeAlias, TypeVar

import orjson
from pydantic import JsonValue, ValidationError

from recado.channels.errors import Unreadable
from recado.channels.repeated_keys import has_repeated_key

JsonObject: TypeAlias = dict[str, JsonValue]
Read = TypeVar("Read")

MAX_DEPTH = 64
"""How deep a part that is kept as it came may be nested. Pydantic's JSON reader gives up at about
200 levels, so that an event deeper than that could be written and never read."""

_NUMERIC = (str, int, float)  # `str | int | float` in a call would be made anew by each
MAX_DURATION = 366 * 24 * 3600
MAX_ID_LENGTH = 512
MAX_CHAT_LENGTH = 200
"""Meta's user ids have at most 131 characters; a conversation key must fit into callback data."""


class Malformed(Exception):
    """This part can't be used. The message names place and fault and quotes nothing."""


class UnknownKind(Malformed):
    """This part is of a kind that Recado has no name for, and can't be used for that."""

    def __init__(self, problem: str, kind: str) -> None:
        super().__init__(problem)
        self.kind = kind


def load(body: bytes) -> JsonObject:
    """The body's JSON object. Raises `Unreadable`: not JSON (NaN, lone surrogates and a byte order
    mark are not JSON either), nested deeper than orjson reads (1,024), not an object, or with a key
    twice in one object, of which parsers take one or the other."""
    try:
        value: JsonValue = orjson.loads(body)
    except orjson.JSONDecodeError as invalid:
        raise Unreadable(f"not JSON: {invalid.msg} at byte {invalid.pos}") from None
    if not isinstance(value, dict):
        raise Unreadable("not a JSON object")
    if has_repeated_key(body, value):
        raise Unreadable("a key is twice in one object")
    return value


def an_object(value: JsonValue) -> JsonObject:
    """The value, which must be an object. Raises `Malformed`."""
    if not isinstance(value, dict):
        raise Malformed("not an object")
    return value


def object_in(parent: JsonObject, key: str) -> JsonObject | None:
    value = parent.get(key)
    return value if isinstance(value, dict) else None


def list_in(parent: JsonObject, key: str) -> list[JsonValue]:
    value = parent.get(key)
    return value if isinstance(value, list) else []


def objects_in(parent: JsonObject, key: str) -> Iterator[JsonObject]:
    """The objects of a list; what else is in it is passed over."""
    return (one for one in list_in(parent, key) if isinstance(one, dict))


def text_in(parent: JsonObject | None, key: str) -> str | None:
    """A string that is not blank."""
    value = None if parent is None else parent.get(key)
    return value if isinstance(value, str) and value and not value.isspace() else None


def identifier_in(parent: JsonObject | None, key: str) -> str | None:
    """An identifier, given as a string or a whole number: not empty, and without blanks."""
    value = None if parent is None else parent.get(key)
    if isinstance(value, str):
        # Split at blanks it is itself.
        return value if len(value) <= MAX_ID_LENGTH and value.split() == [value] else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def chat_in(parent: JsonObject | None, key: str) -> str | None:
    """An identifier that becomes part of a conversation key, whose parts a colon divides."""
    value = identifier_in(parent, key)
    return None if value is None or ":" in value or len(value) > MAX_CHAT_LENGTH else value


def moment_in(parent: JsonObject, key: str) -> datetime | None:
    """Seconds since 1970, given as a string or a number; None where it is none."""
    value = parent.get(key)
    if isinstance(value, bool) or not isinstance(value, _NUMERIC):
        return None
    try:
        return datetime.fromtimestamp(int(value), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def number_in(parent: JsonObject, key: str) -> float | None:
    """A number, given as one or as a string; None where it is none or not finite."""
    value = parent.get(key)
    if isinstance(value, bool) or not isinstance(value, _NUMERIC):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None


def count_in(parent: JsonObject, key: str) -> int | None:
    """A whole number that is not negative."""
    value = parent.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def duration_in(parent: JsonObject, key: str) -> timedelta | None:
    """A number of seconds, at most a year: longer is nothing that anybody recorded."""
    value = count_in(parent, key)
    return None if value is None or value > MAX_DURATION else timedelta(seconds=value)


def sound(read: Callable[[], Read | None]) -> Read | None:
    """What was read; None where it is not as documented. For parts that are kept raw as well."""
    try:
        return read()
    except (Malformed, ValidationError):
        return None


def as_it_came(part: JsonObject) -> JsonObject:
    """The part, to be kept whole. Raises `Malformed` if it is nested too deep to be read back."""
    level: list[JsonValue] = [part]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return part
    raise Malformed(f"nested deeper than {MAX_DEPTH} levels")


def fault(found: Malformed | ValidationError) -> str:
    """What is wrong with a part, without a word of it."""
    if isinstance(found, Malformed):
        return str(found)
    return "; ".join(
        f"{'.'.join(map(str, error['loc']))}: {error['type']}"
        for error in found.errors(include_input=False, include_url=False, include_context=False)
    )
