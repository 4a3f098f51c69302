"""What holds of the comparison for any schema, and for each of Recado's own events."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.schemas import export
from recado.schemas.compatibility import Kind, breaks, changes

from .parcel import EVENT, TOPIC, Node, drop, fields

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
