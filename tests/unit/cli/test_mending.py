"""Dead letters written to a file, mended there, and looked at before they are sent back."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.cli.letters import MOST_REDRIVES, REDRIVE_COUNT, Letters, RedriveRefusal, sorted_out
from recado.cli.mending import NotMended, as_line, mended_in, plan_mended
from recado.schemas.encoding import encode
from recado_lanes.dead_letter import DeadLetter
from recado_lanes.record import Record
from support import examples

TOPIC = "recado.rag.dead-letters"
AT = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
WHOLE = encode(examples.MESSAGE_RECEIVED, source="ingress")


def letter(
    value: bytes = WHOLE.value[:40], *, key: bytes = WHOLE.key, offset: int = 7, redriven: int = 0
) -> Record:
    """A message that was given up, as it is in the topic of dead letters."""
    count = ((REDRIVE_COUNT, str(redriven).encode()),) if redriven else ()
    record = Record("recado.messages", 3, 17, key, value, (*WHOLE.headers, *count), AT)
    dead = DeadLetter.of(record, ValueError("half"), service="rag", attempts=1, at=AT)
    return Record(TOPIC, 0, offset, key, value, dead.headers, AT)


def mended_line(record: Record, **changes: object) -> str:
    return json.dumps(json.loads(as_line(record)) | changes)


def planned(record: Record, line: str, *, force: bool = False) -> tuple[list[Record], list[str]]:
    """What is sent and why the rest is not."""
    found = sorted_out([record])
    plan = plan_mended(found, [record], mended_in([line], TOPIC), force=force)
    return [record for _ in plan.send], [str(reason) for _, reason in plan.refused]


def test_a_broken_text_is_in_the_file_to_be_read_and_mended() -> None:
    line = json.loads(as_line(letter()))
    assert line["value_text"] == WHOLE.value[:40].decode()
    assert line["value"] is None
    assert "value_base64" not in line
    assert (line["topic"], line["partition"], line["offset"]) == (TOPIC, 0, 7)


@given(st.binary(min_size=1))
def test_what_is_not_touched_is_the_same_bytes_again(value: bytes) -> None:
    """Text that is no JSON, bytes that are no text. JSON is the same document."""
    (mended,) = mended_in([as_line(letter(value))], TOPIC).values()
    try:
        document = json.loads(value)
    except ValueError:
        assert mended.value == value
    else:
        assert mended.value == value or json.loads(mended.value) == document


def test_a_mended_event_is_sent_with_its_own_headers_only() -> None:
    """The story of the letter stays behind; so does the count, which is the letter's to tell."""
    record = letter(redriven=1)
    line = mended_line(record, value=json.loads(WHOLE.value))
    sent, refused = planned(record, line)
    assert (len(sent), refused) == (1, [])
    (mended,) = mended_in([line], TOPIC).values()
    assert mended.headers == WHOLE.headers
    as_text = mended_line(record, value_text=WHOLE.value.decode())
    assert planned(record, as_text) == (sent, [])


@pytest.mark.parametrize(
    ("changes", "key", "reason"),
    [
        ({}, WHOLE.key, "no event yet: not a recado.message.received.v1: value"),
        (
            {"value": {**json.loads(WHOLE.value), "text": 7}},
            WHOLE.key,
            "no event yet: not a recado.message.received.v1: text",
        ),
        ({"value": json.loads(WHOLE.value), "headers": []}, WHOLE.key, "no event yet: the record"),
        (
            {"value": json.loads(WHOLE.value)},
            b"telegram:telegram-demo:1",
            "its key would not be that of the event",
        ),
    ],
)
def test_what_would_be_a_dead_letter_again_is_refused(
    changes: dict[str, object], key: bytes, reason: str
) -> None:
    record = letter(key=key)
    sent, refused = planned(record, mended_line(record, **changes))
    assert sent == []
    assert refused[0].startswith(reason)


def test_an_event_of_another_topic_is_refused() -> None:
    answer = encode(examples.ANSWER_GENERATED, source="rag")
    headers = [[name, value.decode()] for name, value in answer.headers]
    record = letter()
    line = mended_line(record, value=json.loads(answer.value), headers=headers)
    assert planned(record, line)[1] == ["answer.generated does not belong into recado.messages"]


def test_what_was_sent_back_too_often_is_refused_mended_or_not() -> None:
    record = letter(redriven=MOST_REDRIVES)
    line = mended_line(record, value=json.loads(WHOLE.value))
    assert planned(record, line)[1] == [RedriveRefusal.TOO_OFTEN.value]
    assert len(planned(record, line, force=True)[0]) == 1


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["{"], "line 1 is not one that --export wrote"),
        (["", '{"topic": "x"}'], "line 2 is not one that --export wrote"),
        ([mended_line(letter(), topic="recado.indexer.dead-letters")], "is of recado.indexer"),
        ([as_line(letter()), as_line(letter())], "line 2 has the same letter as another line"),
        ([mended_line(letter(b"\xff"), value_base64="?")], "line 1 is not one"),
    ],
)
def test_a_file_that_is_none_of_these_letters_is_refused_whole(
    lines: list[str], reason: str
) -> None:
    with pytest.raises(NotMended, match=reason):
        mended_in(lines, TOPIC)


def test_a_letter_that_is_gone_or_was_sent_back_is_refused_whole() -> None:
    """The file is older than what happened since."""
    mended = mended_in([as_line(letter())], TOPIC)
    with pytest.raises(NotMended, match="letter 0@7 was sent back already, or is gone"):
        plan_mended(Letters((), frozenset(), 0), [], mended, force=False)
