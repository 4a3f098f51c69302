"""Events to Kafka records and back: CloudEvents 1.0, Kafka binding, binary mode.

The record's value is the event's JSON; its headers are the CloudEvents attributes with the prefix
`ce_`, `content-type`, and `traceparent` (W3C Trace Context) where a trace is under way. The key is
that of the event's topic. Compaction keeps one record of each key, so a part of a document has a
key of its own, and goes to the partition of the document's key, where its order counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import NamedTuple
from uuid import UUID

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from recado.schemas import events, topics

TYPE_PREFIX = "recado."
TYPE_VERSION = ".v1"

Headers = tuple[tuple[str, bytes], ...]


class EncodingError(Exception):
    """A record that can't be turned into an event.

    EncodingError
    ├── UnknownEventType    the type is not one of ours, or newer than this reader: skip and count
    └── UndecodableEvent    it claims to be one of ours and is not: a dead letter
    """


class UnknownEventType(EncodingError):
    """The record's `ce_type` is not known to this reader."""

    def __init__(self, event_type: str) -> None:
        super().__init__(f"unknown event type {event_type!r}")
        self.event_type = event_type


class UndecodableEvent(EncodingError):
    """The record does not hold what its headers say. Carries no part of the value."""


class EncodedEvent(NamedTuple):  # made in a third of a frozen dataclass's time
    """An event as a Kafka record."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers
    partition_key: bytes | None = None
    """The record belongs into the partition of this key; None: into that of its own."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A Kafka record without value, by which a compacted topic forgets the key."""

    topic: str
    key: bytes
    headers: Headers
    partition_key: bytes | None = None
    value: None = None


@cache
def event_type_name(event_type: type[events.Event]) -> str:
    """The CloudEvents type of a class of events, such as `recado.message.received.v1`."""
    return f"{TYPE_PREFIX}{event_type.model_fields['type'].default}{TYPE_VERSION}"


def event_key(event: events.Event) -> str:
    """The Kafka key: what the events of this topic are ordered by."""
    match event:
        # First what is written most: a class that does not match takes its time.
        case events.MessageReceived() | events.StatusReported():
            return event.conversation
        case events.WebhookReceived():
            return str(event.id)
        case events.DocumentPartSubmitted():
            return part_key(event.document_id, event.submission, event.part)
        case events.DocumentSubmitted() | events.DocumentWithdrawn():
            return str(event.document_id)
        case _:
            return event.conversation


def part_key(document: UUID, submission: UUID, part: int) -> str:
    """The Kafka key of a part of a document."""
    return f"{document}/{submission}/{part}"


def parse_part_key(key: bytes) -> tuple[UUID, UUID, int] | None:
    """Document, submission and part that a key of the documents topic names; None: no part."""
    try:
        document, submission, part = key.decode("ascii").split("/")
        return UUID(document), UUID(submission), int(part)
    except ValueError:
        return None


def part_tombstone(document: UUID, submission: UUID, part: int, *, source: str) -> Tombstone:
    """The record by which the documents topic forgets a part.

    It names its type, so that a reader that does not know parts passes it over as it does those.
    """
    return Tombstone(
        topic=topics.DOCUMENTS.name,
        key=part_key(document, submission, part).encode(),
        headers=(
            ("ce_source", f"/recado/{source}".encode()),
            ("ce_type", event_type_name(events.DocumentPartSubmitted).encode()),
        ),
        partition_key=str(document).encode(),
    )


def _partition_key(event: events.Event) -> bytes | None:
    if type(event) is events.DocumentPartSubmitted:  # no subclass is an event
        return str(event.document_id).encode()
    return None


def encode(event: events.Event, *, source: str, traceparent: str | None = None) -> EncodedEvent:
    """The event as a record of its topic.

    `source` names the writer, such as `ingress`; it becomes the CloudEvents source `/recado/…`.
    Raises a `ValueError` for what has no JSON: a lone surrogate in a text.
    """
    topic, version, written_by, kind, content_type = _same_for_all(type(event), source)
    # In its quotes orjson writes what `str` and `isoformat` do, in a quarter of their time.
    event_id = orjson.dumps(event.id)[1:-1]
    headers = (
        version,
        ("ce_id", event_id),
        written_by,
        kind,
        ("ce_time", orjson.dumps(event.occurred_at)[1:-1]),
        content_type,
    )
    return EncodedEvent(
        topic,
        event_id if type(event) is events.WebhookReceived else event_key(event).encode(),
        as_json(event),
        headers if traceparent is None else (*headers, _trace(traceparent)),
        _partition_key(event),
    )


_Header = tuple[str, bytes]


@cache
def _same_for_all(
    event_type: type[events.Event], source: str
) -> tuple[str, _Header, _Header, _Header, _Header]:
    """The topic and those headers that a writer's events of a class have in common."""
    return (
        topics.topic_of(event_type).name,
        ("ce_specversion", b"1.0"),
        ("ce_source", f"/recado/{source}".encode()),
        ("ce_type", event_type_name(event_type).encode()),
        ("content-type", b"application/json"),
    )


def _trace(traceparent: str) -> _Header:
    return "traceparent", traceparent.encode()


def as_json(model: BaseModel) -> bytes:
    """What `model_dump_json` gives, byte for byte, in a third of its time.

    A model's fields are in its `__dict__`, in order. orjson writes UUIDs, enumerations and times
    in UTC just as Pydantic does; what it can't write (an integer beyond 64 bits) Pydantic may.
    """
    try:
        return orjson.dumps(model.__dict__, default=_fields, option=orjson.OPT_UTC_Z)
    except orjson.JSONEncodeError:
        return model.model_dump_json().encode()


def _fields(value: BaseModel | timedelta) -> object:
    if type(value) is timedelta:  # asked first: it is asked fast, and BaseModel is not
        return _DURATION.dump_python(value, mode="json")
    return value.__dict__


_DURATION = TypeAdapter(timedelta)


def decode(headers: Iterable[tuple[str, bytes]], value: bytes) -> events.Event:
    """The event in a record. Fields that this reader does not know are ignored.

    Raises `UnknownEventType` or `UndecodableEvent`.
    """
    attributes = dict(headers)
    name = attributes.get("ce_type", b"").decode(errors="replace")
    event_type = _events_by_type_name().get(name)
    if event_type is None:
        if not name:
            raise UndecodableEvent("the record has no ce_type header")
        raise UnknownEventType(name)
    try:
        return event_type.model_validate_json(value, extra="ignore")
    except ValidationError as invalid:
        # The message must not quote the value: it may hold what a customer wrote.
        places = sorted({".".join(map(str, error["loc"])) or "value" for error in invalid.errors()})
        raise UndecodableEvent(f"not a {name}: {', '.join(places)}") from None


def trace_of(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """The record's `traceparent`, if it has one."""
    for name, content in headers:
        if name == "traceparent":
            return content.decode(errors="replace")
    return None


@cache
def _events_by_type_name() -> dict[str, type[events.Event]]:
    return {
        event_type_name(event_type): event_type
        for topic in topics.EVENT_TOPICS
        for event_type in topic.event_types
    }


EVENT_ADAPTER: TypeAdapter[events.Event] = TypeAdapter(events.Event)
"""Validates any event from JSON by its `type`, strictly: for tests and tools."""
