"""What Telegram documents about entities and, where a sender does otherwise, mends without a word.

The real API does not refuse these, so neither does the stand-in: it splits, trims and drops until
the rules hold, and the customer sees something else than was meant. `broken_rules` is for tests of
a sender, which must not rest on that.

Sources: Bot API, "Formatting options" (which entities may be in which), MessageEntity (offsets),
sendMessage; tdlib (`MessageEntity.cpp`): blank entities are dropped, blank ends cut off, links
without a host dropped, no more than 100 kept.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from urllib.parse import urlsplit

from pydantic import JsonValue

from recado.devstack.standins.telegram_errors import BadRequest
from recado.devstack.standins.telegram_text import check_entities, check_text

MAX_ENTITIES = 100

# "can contain and can be part of any other entities, except pre and code"
_NESTING = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler"})
_QUOTES = frozenset({"blockquote", "expandable_blockquote"})
_CODE = frozenset({"pre", "code"})

_LINK_SCHEMES = frozenset({"http", "https", "tg"})


def broken_rules(text: str, entities: JsonValue) -> list[str]:
    """Every rule that a message breaks, also those for which it would be refused; empty: none."""
    try:
        checked = check_entities(text, entities)
        check_text(text)
    except BadRequest as refusal:
        return [str(refusal) or type(refusal).__name__]
    units = text.encode("utf-16-le", "surrogatepass")
    broken = [] if len(checked) <= MAX_ENTITIES else [f"{len(checked)} entities"]
    for entity in checked:
        start, end = _range(entity)
        words = units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
        broken += (f"{entity['type']} at {start}: {what}" for what in _alone(entity, words))
    for one, other in combinations(checked, 2):
        broken += _together(*sorted((one, other), key=_outer_first))
    return broken


def _alone(entity: Mapping[str, JsonValue], words: str) -> Iterator[str]:
    if not words.strip():
        yield "blank"
    elif words != words.strip():
        yield "a blank end"
    if entity["type"] == "text_link" and not _has_host(str(entity["url"])):
        yield "its address has no host"
    if entity.get("language") is not None and entity["type"] != "pre":
        yield "a language"
    if entity.get("url") is not None and entity["type"] != "text_link":
        yield "an address"


def _together(first: Mapping[str, JsonValue], second: Mapping[str, JsonValue]) -> Iterable[str]:
    """Of two, the one that begins first or is longer comes first."""
    (start, end), (from_, to) = _range(first), _range(second)
    if from_ >= end:
        return
    kinds = f"{first['type']} at {start} and {second['type']} at {from_}"
    if to > end:
        yield f"{kinds} cross"
    elif {first["type"], second["type"]} & _CODE:
        yield f"{kinds}: code holds nothing and is in nothing"
    elif first["type"] == second["type"]:
        yield f"{kinds}: one in itself"
    elif first["type"] in _QUOTES and second["type"] in _QUOTES:
        yield f"{kinds}: a quote in a quote"
    elif not {first["type"], second["type"]} & (_NESTING | _QUOTES):
        yield f"{kinds} can't hold each other"


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    blank = any(character.isspace() for character in url)
    return parts.scheme in _LINK_SCHEMES and bool(host) and not blank


def _range(entity: Mapping[str, JsonValue]) -> tuple[int, int]:
    start, length = entity["offset"], entity["length"]
    if not isinstance(start, int) or not isinstance(length, int):
        raise TypeError("an entity that was not checked")
    return start, start + length


def _outer_first(entity: Mapping[str, JsonValue]) -> tuple[int, int]:
    start, end = _range(entity)
    return start, -end
