"""JSON Schema as pydantic exports it, taken apart: alternatives, fields, values.

Only what is needed to compare two schemas, see `recado.schemas.compatibility`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import cast

from pydantic import JsonValue

Schema = Mapping[str, JsonValue]
"""A JSON Schema (2020-12) as exported: `$ref`s are to its own `$defs`."""

ANYTHING: Schema = {}
LOWER_BOUNDS = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"))
UPPER_BOUNDS = frozenset(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"))
SIZES_FROM_ZERO = frozenset(("minLength", "minItems", "minProperties"))
FORMS = frozenset(
    ("format", "pattern", "multipleOf", "uniqueItems", "contentEncoding", "contentMediaType")
)
"""What can only be compared for being the same."""
CHOICES = ("anyOf", "oneOf")
_STRUCTURE = frozenset(("$ref", *CHOICES, "type", "const", "enum", "items")) | frozenset(
    ("properties", "required", "additionalProperties")
)
_ANNOTATIONS = frozenset(
    ("$schema", "$id", "$defs", "$comment", "title", "description", "default", "examples")
) | frozenset(("deprecated", "discriminator"))
_KNOWN = LOWER_BOUNDS | UPPER_BOUNDS | FORMS | _STRUCTURE | _ANNOTATIONS


class NotComparable(Exception):
    """A schema uses a keyword that is not understood here: teach this module first."""

    def __init__(self, keyword: str, place: str) -> None:
        super().__init__(f"{place}: can't compare schemas with {keyword!r}")
        self.keyword = keyword
        self.place = place


def alternatives(schema: Schema, root: Schema, place: str) -> Iterator[Schema]:
    """The schema without references and choices: what is left of it in each case.

    `root` has the `$defs`. Raises `NotComparable`.
    """
    for keyword in schema:
        if keyword not in _KNOWN and not keyword.startswith("x-"):
            raise NotComparable(keyword, place)
    rest = dict(schema)
    if "$ref" in rest:
        yield from alternatives({**_definition(rest.pop("$ref"), root), **rest}, root, place)
        return
    for keyword in CHOICES:
        if keyword in rest:
            for choice in cast("list[JsonValue]", rest.pop(keyword)):
                yield from alternatives({**rest, **subschema(choice, place)}, root, place)
            return
    kinds = rest.get("type")
    if isinstance(kinds, list):
        yield from ({**rest, "type": kind} for kind in kinds)
    else:
        yield rest


def _definition(reference: JsonValue, root: Schema) -> Schema:
    name = str(reference)
    if not name.startswith("#/$defs/"):
        raise NotComparable(f"$ref {name}", "$")
    return children(root, "$defs")[name.removeprefix("#/$defs/")]


def subschema(value: JsonValue, place: str) -> Schema:
    """A schema's part that is a schema itself. Raises `NotComparable` for `false`."""
    if value is True:
        return ANYTHING
    if not isinstance(value, Mapping):
        raise NotComparable(f"schema {value!r}", place)
    return value


def children(schema: Schema, keyword: str) -> Mapping[str, Schema]:
    """The schemas by name under `properties` or `$defs`."""
    named = cast("Mapping[str, JsonValue]", schema.get(keyword, {}))
    return {name: subschema(child, f"{keyword} {name}") for name, child in named.items()}


def required(schema: Schema) -> set[str]:
    """The fields without a default."""
    return set(cast("list[str]", schema.get("required", [])))


def unnamed(schema: Schema) -> Schema | None:
    """What fields hold that `properties` does not name; None: they are ignored."""
    rest = schema.get("additionalProperties", "properties" not in schema)
    return None if rest is False else subschema(rest, "additionalProperties")


def is_map(schema: Schema) -> bool:
    """It holds values by any name, not just room for fields that nobody knows."""
    rest = schema.get("additionalProperties")
    return isinstance(rest, Mapping) or (rest is True and "properties" not in schema)


def constants(schema: Schema) -> set[str] | None:
    """The constants that it allows, as JSON; None: it allows any value."""
    if "const" in schema:
        return {json.dumps(schema["const"], ensure_ascii=False)}
    if "enum" not in schema:
        return None
    values = cast("list[JsonValue]", schema["enum"])
    return {json.dumps(value, ensure_ascii=False) for value in values}
