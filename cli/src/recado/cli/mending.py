"""Dead letters in a file: written to be mended by hand, read again, and looked at. No I/O.

A line is a record as `recado events --json` shows it: the letter's topic, partition and offset,
and the record's key, headers and value. A value that is text and no JSON is in `value_text`. To
mend a letter, write the event as it should have been into `value`, or the text into `value_text`;
its headers may be mended too. Lines of letters that are not to be sent are deleted.

Where a record goes is never taken from the file: it is what the letter in the topic says. Nor is
the key, for the order of a conversation hangs on it. What is sent must be an event of that topic
with that key: what would only come back as a dead letter is refused before it is sent.
"""

import json
from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from recado.cli.event_lines import as_json
from recado.cli.letters import (
    LETTER_HEADERS,
    REDRIVE_COUNT,
    Headers,
    Letter,
    Letters,
    Place,
    Plan,
    plan,
)
from recado.schemas.encoding import EncodingError, decode, event_key
from recado.schemas.topics import topic_of
from recado_lanes.record import Record


class NotMended(Exception):
    """A line that can't be sent back. The message says why."""


@dataclass(frozen=True, slots=True)
class Mended:
    """A record to send in the place of a letter's."""

    place: Place
    headers: Headers
    value: bytes


class _Line(BaseModel):
    """What is used of a line; other fields are for whoever reads it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    topic: str
    partition: int
    offset: int
    headers: list[tuple[str, str]]
    value: JsonValue = None
    value_text: str | None = None
    value_base64: str | None = None

    def content(self) -> bytes:
        """The value, from the field that is the most likely to have been mended."""
        if self.value is not None:
            return json.dumps(self.value, ensure_ascii=False, separators=(",", ":")).encode()
        if self.value_text is not None:
            return self.value_text.encode()
        return b64decode(self.value_base64 or "", validate=True)


def as_line(record: Record) -> str:
    """A letter's record as a line of the file."""
    content = as_json(record)
    if content["value"] is None and record.value:
        try:
            content["value_text"] = record.value.decode()
        except UnicodeDecodeError:
            pass
        else:
            content.pop("value_base64", None)
    return json.dumps(content, ensure_ascii=False) + "\n"


def mended_in(lines: Iterable[str], topic: str) -> dict[Place, Mended]:
    """The records in a file of letters of this topic, by the letter's place.

    Raises `NotMended` for the first line that is none, or that names a letter a second time.
    """
    found: dict[Place, Mended] = {}
    for number, written in enumerate(lines, start=1):
        if not written.strip():
            continue
        try:
            # JSON mode: a pair is a list there.
            line = _Line.model_validate_json(written)
            value = line.content()
        except (ValidationError, ValueError):
            raise NotMended(f"line {number} is not one that --export wrote") from None
        if line.topic != topic:
            raise NotMended(f"line {number} is of {line.topic}, not of {topic}")
        place = (line.partition, line.offset)
        if place in found:
            raise NotMended(f"line {number} has the same letter as another line")
        own = ((k, v.encode()) for k, v in line.headers)
        headers = tuple((k, v) for k, v in own if k not in LETTER_HEADERS and k != REDRIVE_COUNT)
        found[place] = Mended(place, headers, value)
    return found


def plan_mended(
    found: Letters, records: Sequence[Record], mended: dict[Place, Mended], *, force: bool
) -> Plan:
    """Which letters to send back as they were mended, and why the others are not.

    `records` are those of the letters, whole. A letter that is not there, or that was sent back
    already, raises `NotMended`: the file is not of now.
    """
    waiting = {letter.place: letter for letter in found.waiting()}
    missing = sorted(mended.keys() - waiting.keys())
    if missing:
        partition, offset = missing[0]
        raise NotMended(f"letter {partition}@{offset} was sent back already, or is gone")
    keys = {(one.partition, one.offset): one.key for one in records}
    chosen = Letters(
        tuple(letter for place, letter in waiting.items() if place in mended), frozenset(), 0
    )
    planned = plan(chosen, limit=len(mended), force=force)
    send: list[Letter] = []
    refused = list(planned.refused)
    for letter in planned.send:
        reason = why_not(mended[letter.place], letter, keys.get(letter.place))
        if reason is None:
            send.append(letter)
        else:
            refused.append((letter, reason))
    return Plan(tuple(send), tuple(refused))


def why_not(mended: Mended, letter: Letter, key: bytes | None) -> str | None:
    """Why this would be a dead letter again; None where it is an event of its topic."""
    try:
        event = decode(mended.headers, mended.value)
    except EncodingError as error:
        return f"no event yet: {error}"
    if topic_of(type(event)).name != letter.topic:
        return f"{event.type} does not belong into {letter.topic}"
    if event_key(event).encode() != (key or b""):
        return "its key would not be that of the event: the order would be lost"
    return None
