"""What no newer reader trips over is not called a break."""

from collections.abc import Callable

import pytest

from recado.schemas.compatibility import Kind

from .parcel import Node, add, after, become, field, names, stop

WIDENED: dict[str, tuple[Callable[[Node], object], str]] = {
    "an enum value added": (
        lambda s: field(s, "size").update(enum=["small", "large", "huge"]),
        "$.size",
    ),
    "an enum opened": (lambda s: become(field(s, "size"), {"type": "string"}), "$.size"),
    "a wider number": (lambda s: field(s, "weight").update(type="number"), "$.weight"),
    "null allowed": (
        lambda s: become(
            field(s, "first"), {"anyOf": [{"$ref": "#/$defs/Stop"}, {"type": "null"}]}
        ),
        "$.first",
    ),
    "a bound loosened": (lambda s: field(s, "weight").update(maximum=500), "$.weight"),
    "a pattern dropped": (lambda s: field(s, "label").pop("pattern"), "$.label"),
    "a required field made optional": (lambda s: names(s).remove("label"), "$.label"),
}


@pytest.mark.parametrize(("change", "place"), WIDENED.values(), ids=WIDENED.keys())
def test_what_only_older_readers_refuse_is_told_and_no_break(
    change: Callable[[Node], object], place: str
) -> None:
    assert after(change) == [(Kind.WIDENED, place)]


UNSEEN: dict[str, Callable[[Node], object]] = {
    "an optional field added": lambda s: add(s, "via", {"type": "string", "default": "sea"}),
    "an object opened": lambda s: s.pop("additionalProperties"),
    "another description": lambda s: field(s, "label").update(description="Who it is from"),
    "a definition in place of its reference": lambda s: become(field(s, "first"), stop(s)),
    "one value as an enum": lambda s: become(
        field(s, "type"), {"enum": ["parcel.sent"], "type": "string", "default": "parcel.sent"}
    ),
    "alternatives in another order": lambda s: become(
        field(s, "code"), {"type": ["string", "integer"]}
    ),
    "a bound that says nothing": lambda s: stop(s).update(minProperties=0),
}


@pytest.mark.parametrize("change", UNSEEN.values(), ids=UNSEEN.keys())
def test_what_every_reader_reads_is_not_told(change: Callable[[Node], object]) -> None:
    assert after(change) == []
