"""Each kind of break is found and named, with its place and its readers."""

from collections.abc import Callable

import pytest

from recado.schemas.compatibility import Change, Kind, breaks, changes
from recado.schemas.json_schema import NotComparable

from .parcel import EVENT, READERS, Node, add, after, become, drop, field, names, parcel, stop

BREAKS: dict[str, tuple[Callable[[Node], object], Kind, str]] = {
    "a field removed": (lambda s: drop(s, "label"), Kind.REMOVED_FIELD, "$.label"),
    "a field with a default removed": (lambda s: drop(s, "note"), Kind.REMOVED_FIELD, "$.note"),
    "a field removed below": (
        lambda s: drop(stop(s), "place"),
        Kind.REMOVED_FIELD,
        "$.first.place",
    ),
    "a required field added": (
        lambda s: add(s, "sender", {"type": "string"}, required=True),
        Kind.REQUIRED_FIELD,
        "$.sender",
    ),
    "a default taken away": (lambda s: names(s).append("note"), Kind.REQUIRED_FIELD, "$.note"),
    "a default changed": (
        lambda s: field(s, "note").update(default="none"),
        Kind.CHANGED_DEFAULT,
        "$.note",
    ),
    "another type": (
        lambda s: become(field(s, "weight"), {"type": "string"}),
        Kind.NARROWED_TYPE,
        "$.weight",
    ),
    "null no longer": (
        lambda s: become(field(s, "note"), {"type": "string", "default": None}),
        Kind.NARROWED_TYPE,
        "$.note",
    ),
    "one alternative less": (
        lambda s: become(field(s, "code"), {"type": "integer"}),
        Kind.NARROWED_TYPE,
        "$.code",
    ),
    "just some of all strings": (
        lambda s: become(field(s, "code"), {"anyOf": [{"type": "integer"}, {"const": "none"}]}),
        Kind.NARROWED_TYPE,
        "$.code",
    ),
    "another type of the values of a map": (
        lambda s: field(s, "counts").update(additionalProperties={"type": "string"}),
        Kind.NARROWED_TYPE,
        "$.counts.*",
    ),
    "anything becomes something": (
        lambda s: become(
            field(s, "raw"),
            {"type": "object", "additionalProperties": {"type": "string"}, "default": None},
        ),
        Kind.NARROWED_TYPE,
        "$.raw.*",
    ),
    "a map becomes a closed object": (
        lambda s: field(s, "counts").update(properties={}, additionalProperties=False),
        Kind.REMOVED_FIELD,
        "$.counts.*",
    ),
    "an enum value removed": (
        lambda s: field(s, "size").update(enum=["small"]),
        Kind.REMOVED_VALUE,
        "$.size",
    ),
    "an enum value renamed": (
        lambda s: field(s, "size").update(enum=["small", "big"]),
        Kind.REMOVED_VALUE,
        "$.size",
    ),
    "another constant": (
        lambda s: field(s, "type").update(const="parcel.posted"),
        Kind.REMOVED_VALUE,
        "$.type",
    ),
    "a lower bound raised": (
        lambda s: field(s, "weight").update(minimum=2),
        Kind.NARROWED_BOUND,
        "$.weight",
    ),
    "an upper bound lowered": (
        lambda s: field(s, "weight").update(maximum=99),
        Kind.NARROWED_BOUND,
        "$.weight",
    ),
    "a new bound": (
        lambda s: field(s, "weight").update(exclusiveMinimum=0),
        Kind.NARROWED_BOUND,
        "$.weight",
    ),
    "a longer least length": (
        lambda s: field(s, "label").update(minLength=3),
        Kind.NARROWED_BOUND,
        "$.label",
    ),
    "a shorter greatest length": (
        lambda s: field(s, "label").update(maxLength=8),
        Kind.NARROWED_BOUND,
        "$.label",
    ),
    "fewer elements": (
        lambda s: field(s, "route").update(maxItems=4),
        Kind.NARROWED_BOUND,
        "$.route",
    ),
    "another pattern": (
        lambda s: field(s, "label").update(pattern="^[a-f]+$"),
        Kind.CHANGED_FORM,
        "$.label",
    ),
    "a new format": (
        lambda s: field(s, "label").update(format="uuid"),
        Kind.CHANGED_FORM,
        "$.label",
    ),
    "another topic": (
        lambda s: s.update({"x-topic": "recado.other"}),
        Kind.CHANGED_TOPIC,
        "$",
    ),
    "another key": (lambda s: s.update({"x-key": "sender"}), Kind.CHANGED_KEY, "$"),
    "another partition count": (
        lambda s: s.update({"x-partitions": 24}),
        Kind.CHANGED_PARTITIONS,
        "$",
    ),
}


@pytest.mark.parametrize(("change", "kind", "place"), BREAKS.values(), ids=BREAKS.keys())
def test_a_break_is_found_and_named_with_its_place(
    change: Callable[[Node], object], kind: Kind, place: str
) -> None:
    schema = parcel()
    change(schema)
    found = {(one.kind, one.place) for one in breaks({EVENT: parcel()}, {EVENT: schema})}
    assert (kind, place) in found
    assert {one for one, _ in found} == {kind}


def test_a_removed_event_is_a_break_and_a_new_one_is_none() -> None:
    assert [one.kind for one in breaks({EVENT: parcel()}, {})] == [Kind.REMOVED_EVENT]
    assert changes({}, {EVENT: parcel()}) == []


def test_a_change_below_an_array_and_a_recursive_definition_is_found_at_each_place() -> None:
    """Once around the recursion: what comes back to itself has been compared."""
    places = [place for _, place in after(lambda s: drop(stop(s), "place"))]
    assert places == sorted(
        ["$.first.place", "$.first.after[*].place", "$.route[*].place", "$.route[*].after[*].place"]
    )


def test_a_change_names_event_and_the_services_that_read_it() -> None:
    schema = parcel()
    field(schema, "size")["enum"] = ["small"]
    assert breaks({EVENT: parcel()}, {EVENT: schema}, READERS) == [
        Change(
            event=EVENT,
            place="$.size",
            kind=Kind.REMOVED_VALUE,
            message='released records may hold "large"; new readers refuse it',
            readers=("dispatcher", "rag"),
        )
    ]


def test_a_moved_event_names_the_readers_of_both_topics() -> None:
    (moved,) = breaks({EVENT: parcel()}, {EVENT: {**parcel(), "x-topic": "recado.other"}}, READERS)
    assert moved.readers == ("dispatcher", "indexer", "rag")


def test_a_keyword_that_is_not_understood_is_refused() -> None:
    schema = parcel()
    field(schema, "label")["not"] = {"const": "none"}
    with pytest.raises(NotComparable, match=r"\$\.label: .*'not'"):
        breaks({EVENT: parcel()}, {EVENT: schema})
