"""A record as the command shows it: chosen or not, one line for people, one object for programs.

A record that is no event is shown as such. A line holds nothing of what customers or the
assistant wrote unless that is asked for, and nothing that could steer a terminal.
"""

import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue
from rich.text import Text

from recado.cli.output import local_time
from recado.schemas import events
from recado.schemas.encoding import (
    TYPE_PREFIX,
    TYPE_VERSION,
    UndecodableEvent,
    UnknownEventType,
    decode,
    trace_of,
)
from recado_lanes.record import Record

NO_EVENT = "(no event)"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records are shown: those for which all holds that is given. `until` is excluded."""

    since: datetime | None = None
    until: datetime | None = None
    conversation: str | None = None
    event_type: str | None = None
    """As the header has it, or short: `message.received`."""
    trace: str | None = None
    """A trace id, or a whole `traceparent`."""

    @property
    def everything(self) -> bool:
        """Whether no record is left out, but for `since`, which Kafka looks up."""
        return not (self.until or self.conversation or self.event_type or self.trace)

    def takes(self, record: Record) -> bool:
        """Whether this record is shown."""
        return (
            (self.since is None or record.timestamp >= self.since)
            and (self.until is None or record.timestamp < self.until)
            and (self.conversation is None or record.key == self.conversation.encode())
            and (self.event_type is None or self._is_of_type(type_of(record)))
            and (self.trace is None or self.trace in _trace_ids(record))
        )

    def _is_of_type(self, name: str) -> bool:
        return name in (self.event_type, f"{TYPE_PREFIX}{self.event_type}{TYPE_VERSION}")


def _trace_ids(record: Record) -> tuple[str, ...]:
    """The traceparent, and the trace id in it (W3C Trace Context: version-trace-parent-flags)."""
    traceparent = trace_of(record.headers) or ""
    return (traceparent, *traceparent.split("-")[1:2])


def type_of(record: Record) -> str:
    """What its `ce_type` header says; empty where there is none."""
    return dict(record.headers).get("ce_type", b"").decode(errors="replace")


def counted_as(record: Record) -> str:
    """The type under which a record is counted: an event's own, or that it is none."""
    try:
        decode(record.headers, record.value or b"")
    except UndecodableEvent:
        return NO_EVENT
    except UnknownEventType:
        pass
    return one_line(type_of(record))


def line(record: Record, *, text: bool = False) -> Text:
    """Time, type, key, summary. With `text`, the text of messages and answers too."""
    name = type_of(record).removeprefix(TYPE_PREFIX).removesuffix(TYPE_VERSION)
    try:
        if record.value is None and name:  # a tombstone, in a topic that is compacted
            summary = Text("forgotten from here on", style="dim")
        else:
            said = summary_of(decode(record.headers, record.value or b""), text=text)
            summary = Text(one_line(said))
    except UnknownEventType:
        summary = Text(f"of a type that is not known here, at {record.position}", style="yellow")
    except UndecodableEvent as error:
        summary = Text(f"no event: {one_line(str(error))}, at {record.position}", style="red")
    key = "" if record.key is None else one_line(record.key.decode(errors="replace"))
    return Text.assemble(
        (local_time(record.timestamp), "dim"),
        "  ",
        (one_line(name) or NO_EVENT, "cyan"),
        "  ",
        key or "(no key)",
        "  ",
        summary,
    )


def summary_of(event: events.Event, *, text: bool) -> str:
    """What an event says, in a few words."""
    match event:
        case events.WebhookReceived():
            said = _joined(event.platform, event.event_type, event.outcome, str(event.status))
            return _joined(said, event.error)
        case events.MessageReceived():
            return _joined(event.kind, _size_or_text(event.text, text=text))
        case events.StatusReported():
            codes = ", ".join(str(error.code) for error in event.errors)
            return _joined(event.status, event.platform_message_id, codes)
        case events.AnswerGenerated():
            sources = ", ".join(dict.fromkeys(one.source for one in event.citations))
            return _joined(event.rung, _size_or_text(event.text, text=text), sources)
        case events.OperatorReplied():
            return _joined(event.operator, _size_or_text(event.text, text=text))
        case events.HandoffRequested():
            return event.reason
        case events.HandoffReleased():
            return f"by {event.operator}"
        case events.CustomerForgotten():
            return _joined("the whole conversation" if event.whole else "what they wrote")
        case events.AnswerDelivered():
            return f"answer {event.answer_id}, parts: {len(event.platform_message_ids)}"
        case events.AnswerNotDelivered():
            code = "" if event.error is None else str(event.error.code)
            return _joined(f"answer {event.answer_id}", event.reason, code)
        case events.DocumentPartSubmitted():
            return f"{event.collection}/{event.source}, part {event.part}"
        case events.DocumentSubmitted(parts=0):
            return f"{event.collection}/{event.source}, sections: {len(event.sections)}"
        case events.DocumentSubmitted():
            return f"{event.collection}/{event.source}, parts: {event.parts}"
        case events.DocumentWithdrawn():
            return f"{event.collection}/{event.source}"


def _size_or_text(said: str | None, *, text: bool) -> str:
    if said is None:
        return "no text"
    return said if text else f"{len(said)} characters"


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def one_line(said: str) -> str:
    """The same on one line: runs of spaces and of what can't be printed are one space."""
    return " ".join("".join(one if one.isprintable() else " " for one in said).split())


def as_json(record: Record) -> dict[str, JsonValue]:
    """A record for programs.

    `key` is text and `value` the JSON document; what is not, is in `key_base64` or
    `value_base64`. `headers` are pairs in their order, for Kafka allows a name twice.
    """
    content: dict[str, JsonValue] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp.isoformat(),
    }
    try:
        content["key"] = None if record.key is None else record.key.decode()
    except UnicodeDecodeError:
        content |= {"key": None, "key_base64": b64encode(record.key or b"").decode()}
    content["headers"] = [[name, _header_text(value)] for name, value in _printable(record)]
    try:
        content["value"] = None if record.value is None else _document(record.value)
    except (ValueError, RecursionError):
        content |= {"value": None, "value_base64": b64encode(record.value or b"").decode()}
    return content


def _printable(record: Record) -> Iterable[tuple[str, bytes]]:
    return ((name.encode(errors="replace").decode(), value) for name, value in record.headers)


def _header_text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


def _document(value: bytes) -> JsonValue:
    """Raises `ValueError` or `RecursionError` for what can't be written as JSON again."""
    document: JsonValue = json.loads(value.decode(), parse_constant=_refuse)
    # A lone surrogate can be read and not be written.
    json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    return document


def _refuse(constant: str) -> JsonValue:
    raise ValueError(f"{constant} is not JSON")
