"""An event with one of everything that can be compared, and ways to change its schema."""

import copy
from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from recado.schemas.compatibility import Kind, changes

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
