"""Events survive the way to Kafka and back; what is not an event is named."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from recado.schemas import events, topics
from recado.schemas.content import Content, Media, MediaKind
from recado.schemas.encoding import (
    UndecodableEvent,
    UnknownEventType,
    as_json,
    decode,
    encode,
    parse_part_key,
    part_tombstone,
    trace_of,
)
from support import examples, filled_examples

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("event", examples.ALL, ids=lambda event: event.type)
def test_an_event_comes_back_as_it_went(event: events.Event) -> None:
    record = encode(event, source="test")
    assert decode(record.headers, record.value) == event


def test_there_is_an_example_and_a_topic_for_each_event() -> None:
    union = set(get_args(get_args(events.Event)[0]))
    assert {type(event) for event in examples.ALL} == union
    assert {one for topic in topics.EVENT_TOPICS for one in topic.event_types} == union


def test_the_record_is_a_cloud_event_in_binary_mode() -> None:
    record = encode(examples.MESSAGE_RECEIVED, source="ingress", traceparent=TRACE)
    headers = dict(record.headers)
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_id"] == str(examples.MESSAGE_ID).encode()
    assert headers["ce_type"] == b"recado.message.received.v1"
    assert headers["ce_source"] == b"/recado/ingress"
    assert headers["content-type"] == b"application/json"
    assert trace_of(record.headers) == TRACE
    assert record.topic == "recado.messages"
    assert record.key == examples.CONVERSATION.encode()


def test_a_reader_ignores_what_a_newer_writer_adds() -> None:
    record = encode(examples.MESSAGE_RECEIVED, source="test")
    newer = json.loads(record.value) | {"mood": "angry"}
    newer["user"]["shoe_size"] = 42
    assert decode(record.headers, json.dumps(newer).encode()) == examples.MESSAGE_RECEIVED


def test_a_writer_may_not_invent_fields() -> None:
    fields = examples.HANDOFF_RELEASED.model_dump() | {"mood": "angry"}
    with pytest.raises(ValidationError, match="mood"):
        events.HandoffReleased(**fields)


def test_an_unknown_type_is_told_from_a_broken_record() -> None:
    with pytest.raises(UnknownEventType) as unknown:
        decode([("ce_type", b"recado.message.received.v9")], b"{}")
    assert unknown.value.event_type == "recado.message.received.v9"
    with pytest.raises(UndecodableEvent, match="no ce_type"):
        decode([], b"{}")


def test_what_a_broken_record_says_is_not_repeated_in_the_error() -> None:
    record = encode(examples.MESSAGE_RECEIVED, source="test")
    broken = json.loads(record.value) | {"occurred_at": "clave 1234", "kind": "clave 1234"}
    with pytest.raises(UndecodableEvent) as error:
        decode(record.headers, json.dumps(broken).encode())
    assert "occurred_at" in str(error.value)
    assert "1234" not in str(error.value)


def test_not_even_json_is_undecodable() -> None:
    record = encode(examples.MESSAGE_RECEIVED, source="test")
    with pytest.raises(UndecodableEvent):
        decode(record.headers, b"\xff{")


def test_each_part_of_a_document_has_a_key_of_its_own_and_goes_where_the_document_goes() -> None:
    """Compaction forgets what has the same key; order holds within a partition."""
    part = examples.DOCUMENT_PART_SUBMITTED
    records = [
        encode(part.model_copy(update=changed), source="test")
        for changed in ({}, {"part": 2}, {"submission": UUID(int=7)})
    ]
    document = encode(examples.DOCUMENT_SUBMITTED, source="test")
    assert len({record.key for record in [*records, document]}) == 4
    assert {record.partition_key for record in records} == {document.key}
    assert document.partition_key is None


def test_a_part_s_key_says_whose_it_is() -> None:
    part = examples.DOCUMENT_PART_SUBMITTED
    key = encode(part, source="test").key
    assert parse_part_key(key) == (part.document_id, part.submission, part.part)


@pytest.mark.parametrize("key", [b"", b"\xff/1/2", str(UUID(int=1)).encode(), b"a/b/1", b"1/2"])
def test_another_key_is_no_part_s(key: bytes) -> None:
    assert parse_part_key(key) is None


def test_a_part_s_tombstone_takes_its_place_and_is_passed_over_by_who_knows_no_parts() -> None:
    part = examples.DOCUMENT_PART_SUBMITTED
    written = encode(part, source="test")
    tombstone = part_tombstone(part.document_id, part.submission, part.part, source="test")
    assert (tombstone.topic, tombstone.key) == (written.topic, written.key)
    assert tombstone.partition_key == written.partition_key
    assert tombstone.value is None
    assert dict(tombstone.headers)["ce_type"] == dict(written.headers)["ce_type"]


@pytest.mark.parametrize("event", filled_examples.GOLDEN.values(), ids=filled_examples.GOLDEN)
def test_an_event_is_written_as_pydantic_writes_it(event: events.Event) -> None:
    assert as_json(event) == event.model_dump_json().encode()


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
RAW: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
MOMENTS = st.datetimes(
    timezones=st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(timezone)
)


@given(st.text(), st.dictionaries(st.text(), RAW, max_size=4), MOMENTS, st.timedeltas(), NUMBERS)
def test_whatever_is_in_an_event_is_written_as_pydantic_writes_it(
    text: str, raw: dict[str, JsonValue], moment: datetime, duration: timedelta, number: float
) -> None:
    """Integers beyond 64 bits, times of any zone, durations, characters of every kind."""
    media = Media(kind=MediaKind.VOICE, id="m", size=abs(int(number)), duration=duration)
    try:
        occurred_at = moment.astimezone(UTC)
    except OverflowError:
        occurred_at = moment.replace(tzinfo=UTC)
    fields = {
        **examples.MESSAGE_RECEIVED.__dict__,
        "text": text,
        "raw": raw,
        "occurred_at": occurred_at,
        "content": Content(media=media),
    }
    event = events.MessageReceived(**fields)
    assert as_json(event) == event.model_dump_json().encode()


def test_half_a_character_can_not_be_written() -> None:
    event = examples.MESSAGE_RECEIVED.model_copy(update={"text": "\ud800"})
    with pytest.raises(ValueError, match="surrogates"):
        encode(event, source="test")


def test_a_moment_is_kept_in_utc_whatever_zone_it_came_in() -> None:
    lima = timezone(timedelta(hours=-5))
    fields = {**examples.MESSAGE_RECEIVED.__dict__, "sent_at": datetime(2026, 1, 1, tzinfo=lima)}
    event = events.MessageReceived(**fields)
    assert event.sent_at is not None
    assert (event.sent_at.tzinfo, event.sent_at.hour) == (UTC, 5)
    record = encode(event, source="test")
    read = decode(record.headers, record.value)
    assert isinstance(read, events.MessageReceived)
    assert (read.sent_at, read.occurred_at.tzinfo) == (event.sent_at, UTC)
