"""What is chosen of a topic, and how a record is shown."""

import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.cli.event_lines import NO_EVENT, Wanted, as_json, counted_as, line
from recado.schemas import events
from recado.schemas.encoding import encode
from recado_lanes.record import Record
from support import examples

AT = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def record_of(event: events.Event, *, at: datetime = AT) -> Record:
    encoded = encode(event, source="test", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    return Record(encoded.topic, 3, 17, encoded.key, encoded.value, encoded.headers, at)


def no_event(value: bytes | None, *headers: tuple[str, bytes], key: bytes | None = b"k") -> Record:
    return Record("recado.messages", 3, 17, key, value, headers, AT)


MESSAGE = record_of(examples.MESSAGE_RECEIVED)


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (Wanted(), True),
        (Wanted(since=AT), True),
        (Wanted(since=AT + timedelta(milliseconds=1)), False),
        (Wanted(until=AT), False),
        (Wanted(until=AT + timedelta(milliseconds=1)), True),
        (Wanted(conversation=examples.CONVERSATION), True),
        (Wanted(conversation=examples.TELEGRAM_CONVERSATION), False),
        (Wanted(event_type="message.received"), True),
        (Wanted(event_type="recado.message.received.v1"), True),
        (Wanted(event_type="message"), False),
        (Wanted(trace=TRACE), True),
        (Wanted(trace=f"00-{TRACE}-00f067aa0ba902b7-01"), True),
        (Wanted(trace="00f067aa0ba902b7"), False),
        (Wanted(event_type="message.received", trace="0" * 32), False),
    ],
)
def test_a_record_is_shown_if_all_holds_that_is_asked_for(wanted: Wanted, taken: bool) -> None:
    assert wanted.takes(MESSAGE) is taken


def test_a_broken_record_is_chosen_by_the_type_that_it_claims() -> None:
    """Asked for by type, a broken one is not passed over."""
    broken = replace(MESSAGE, value=b"{")
    assert Wanted(event_type="message.received").takes(broken)
    assert counted_as(broken) == NO_EVENT


@pytest.mark.parametrize("event", examples.ALL, ids=lambda event: event.type)
def test_every_event_is_one_line_with_its_type_and_key(event: events.Event) -> None:
    record = record_of(event)
    shown = line(record).plain
    assert event.type in shown
    assert record.key is not None
    assert record.key.decode() in shown
    assert "\n" not in shown


@pytest.mark.parametrize(
    "event",
    [examples.MESSAGE_RECEIVED, examples.ANSWER_GENERATED, examples.OPERATOR_REPLIED],
    ids=lambda event: event.type,
)
def test_what_was_written_is_shown_only_if_asked_for(
    event: events.MessageReceived | events.AnswerGenerated | events.OperatorReplied,
) -> None:
    assert event.text is not None
    assert event.text not in line(record_of(event)).plain
    assert event.text in line(record_of(event), text=True).plain


def test_nothing_in_a_line_steers_the_terminal() -> None:
    said = examples.MESSAGE_RECEIVED.model_copy(update={"text": "a\x1b[2J\r\nb\u202ec"})
    shown = line(replace(record_of(said), key=b"\x1b]0;x\x07"), text=True).plain
    assert shown.isprintable()


@pytest.mark.parametrize(
    "record",
    [
        no_event(b"{", ("ce_type", b"recado.message.received.v1")),
        no_event(b"hello"),
        no_event(None),
        no_event(b"", key=None),
    ],
)
def test_a_record_that_is_no_event_is_shown_as_such(record: Record) -> None:
    shown = line(record).plain
    assert "no event" in shown
    assert "recado.messages[3]@17" in shown
    assert counted_as(record) == NO_EVENT


def test_a_type_that_this_reader_does_not_know_is_counted_under_its_name() -> None:
    newer = no_event(b"{}", ("ce_type", b"recado.message.received.v2"))
    assert counted_as(newer) == "recado.message.received.v2"
    assert "not known here" in line(newer).plain


def test_json_has_the_whole_record() -> None:
    shown = as_json(MESSAGE)
    assert MESSAGE.value is not None
    assert shown["value"] == json.loads(MESSAGE.value)
    assert {name: shown[name] for name in ("topic", "partition", "offset", "timestamp", "key")} == {
        "topic": "recado.messages",
        "partition": 3,
        "offset": 17,
        "timestamp": "2026-11-22T15:30:00+00:00",
        "key": examples.CONVERSATION,
    }
    assert ["ce_type", "recado.message.received.v1"] in json.loads(json.dumps(shown["headers"]))


def test_a_header_that_is_there_twice_is_in_json_twice() -> None:
    assert as_json(no_event(b"", ("a", b"1"), ("a", b"2")))["headers"] == [["a", "1"], ["a", "2"]]


def test_a_tombstone_is_shown_as_one_and_parts_are_counted() -> None:
    part = record_of(examples.DOCUMENT_PART_SUBMITTED)
    assert "ayuda/internet-lento.md, part 1" in line(part).plain
    assert "forgotten" in line(replace(part, value=None)).plain
    whole = examples.DOCUMENT_SUBMITTED.model_copy(update={"sections": (), "parts": 2})
    assert "ayuda/internet-lento.md, parts: 2" in line(record_of(whole)).plain


@given(st.one_of(st.none(), st.binary(), st.just(b'"\\ud800"'), st.just(b"NaN"), st.just(b"1e999")))
def test_any_value_becomes_a_line_of_strict_json_and_is_not_lost(value: bytes | None) -> None:
    shown = as_json(no_event(value, ("h", value or b""), key=value))
    written = json.dumps(shown, ensure_ascii=False, allow_nan=False).encode()
    read = json.loads(written)
    for name in ("key", "value"):
        if f"{name}_base64" in read:
            assert b64decode(read[f"{name}_base64"]) == value
        elif name == "key":
            assert read[name] == (None if value is None else value.decode())
        elif value is not None:
            assert read[name] == json.loads(value)
