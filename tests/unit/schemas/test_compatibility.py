"""Each kind of break is found, named with its place, and nothing else is called one."""

import copy
import json
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from recado.schemas import export
from recado.schemas.compatibility import Change, Kind, breaks, changes
from recado.schemas.json_schema import NotComparable

EVENT = "recado.parcel.sent.v1"
TOPIC = {"x-topic": "recado.parcels", "x-key": "parcel", "x-partitions": 12}
READERS = {"recado.parcels": ["rag", "dispatcher"], "recado.other": ["indexer"]}

Node = dict[str, JsonValue]


class Stop(BaseModel):
    model_config = ConfigDict(extra="forbid")

    place: str = Field(min_length=1)
    after: "list[Stop]" = []


class Parcel(BaseModel):
    """Has one of everything that the comparison understands."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["parcel.sent"] = "parcel.sent"
    size: Literal["small", "large"]
    weight: int = Field(ge=1, le=100)
    label: str = Field(pattern="^[a-z]+$", min_length=2, max_length=9)
    note: str | None = None
    code: int | str
    route: list[Stop] = Field(min_length=1, max_length=5)
    first: Stop
    counts: dict[str, int] = {}
    raw: dict[str, JsonValue] | None = None


def parcel() -> Node:
    """A fresh schema, free to be changed."""
    return {**copy.deepcopy(Parcel.model_json_schema(mode="serialization")), **TOPIC}


def fields(schema: Node) -> Node:
    found = schema["properties"]
    assert isinstance(found, dict)
    return found


def field(schema: Node, name: str) -> Node:
    found = fields(schema)[name]
    assert isinstance(found, dict)
    return found


def stop(schema: Node) -> Node:
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    found = definitions["Stop"]
    assert isinstance(found, dict)
    return found


def names(schema: Node) -> list[JsonValue]:
    """The required fields."""
    required = schema["required"]
    assert isinstance(required, list)
    return required


def drop(schema: Node, name: str) -> None:
    del fields(schema)[name]
    if name in names(schema):
        names(schema).remove(name)


def add(schema: Node, name: str, content: Node, *, required: bool = False) -> None:
    fields(schema)[name] = content
    if required:
        names(schema).append(name)


def become(node: Node, content: Node) -> None:
    node.clear()
    node.update(content)


def after(change: Callable[[Node], object]) -> list[tuple[Kind, str]]:
    """Kind and place of what is found after a change of the parcel."""
    schema = parcel()
    change(schema)
    return [(one.kind, one.place) for one in changes({EVENT: parcel()}, {EVENT: schema}, READERS)]


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


LEAF_NODES: list[Node] = [
    {},
    {"type": "string", "minLength": 1},
    {"type": "string", "format": "uuid"},
    {"type": "integer", "minimum": 0, "maximum": 9},
    {"type": ["number", "null"]},
    {"enum": ["a", "b", 1, None]},
    {"const": True},
    {"$ref": "#/$defs/Tree"},
]
LEAVES = st.sampled_from(LEAF_NODES)
TREE = {
    "type": "object",
    "properties": {"below": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
    "additionalProperties": False,
}


def objects(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    named = st.dictionaries(st.sampled_from("abcd"), children, max_size=3)
    return st.builds(
        lambda properties, needed, extra: {
            "type": "object",
            "properties": properties,
            "required": sorted(needed & properties.keys()),
            **extra,
        },
        named,
        st.sets(st.sampled_from("abcd")),
        st.sampled_from([{}, {"additionalProperties": False}, {"additionalProperties": {}}]),
    )


NODES: st.SearchStrategy[Node] = st.recursive(
    LEAVES,
    lambda children: st.one_of(
        objects(children),
        st.builds(lambda items: {"type": "array", "items": items}, children),
        st.builds(lambda value: {"type": "object", "additionalProperties": value}, children),
        st.builds(lambda choices: {"anyOf": choices}, st.lists(children, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)
SCHEMAS = st.builds(lambda root: {**root, **TOPIC, "$defs": {"Tree": TREE}}, objects(NODES))


@given(SCHEMAS)
def test_a_schema_against_itself_never_breaks(schema: Node) -> None:
    assert changes({EVENT: schema}, {EVENT: copy.deepcopy(schema)}) == []


@given(SCHEMAS, NODES)
def test_an_optional_field_with_a_default_never_breaks(schema: Node, content: Node) -> None:
    """Where the object's other fields are ignored, as in every event."""
    schema["additionalProperties"] = False
    changed = copy.deepcopy(schema)
    changed["properties"] = {
        **fields(changed),
        "new": {**content, "default": None},
    }
    assert changes({EVENT: schema}, {EVENT: changed}) == []


@given(SCHEMAS, st.data())
def test_a_removed_field_always_breaks(schema: Node, data: st.DataObject) -> None:
    schema["additionalProperties"] = False
    schema["properties"] = {**fields(schema), "z": data.draw(NODES)}
    changed = copy.deepcopy(schema)
    changed["properties"] = {name: node for name, node in fields(changed).items() if name != "z"}
    found = breaks({EVENT: schema}, {EVENT: changed})
    assert [(one.kind, one.place) for one in found] == [(Kind.REMOVED_FIELD, "$.z")]


@pytest.mark.parametrize("name", sorted(export.json_schemas()))
def test_every_event_can_be_compared_field_by_field(name: str) -> None:
    """Taking away any one of its fields is found."""
    event: Node = json.loads(export.json_schemas()[name])
    for gone in fields(event):
        changed = copy.deepcopy(event)
        drop(changed, gone)
        found = [(one.kind, one.place) for one in changes({EVENT: event}, {EVENT: changed})]
        assert found == [(Kind.REMOVED_FIELD, f"$.{gone}")]
