"""Dead letters told apart, grouped, and chosen to be sent back."""

from datetime import UTC, datetime, timedelta

from recado.cli.letters import (
    MOST_REDRIVES,
    REDRIVE_COUNT,
    RedriveRefusal,
    grouped,
    headers_sent_back,
    letter_of,
    note_of,
    plan,
    sorted_out,
)
from recado_lanes.dead_letter import DeadLetter
from recado_lanes.record import Record

AT = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
OWN = (("ce_type", b"recado.message.received.v1"), ("traceparent", b"00-1-2-01"))


class BrokenError(Exception):
    """What the letters failed with."""


def dead(
    offset: int,
    *,
    error: Exception | None = None,
    topic: str = "recado.messages",
    partition: int = 3,
    redriven: int = 0,
) -> Record:
    """A letter at this offset of the dead-letter topic, made by the code that the lanes use."""
    count = ((REDRIVE_COUNT, str(redriven).encode()),) if redriven else ()
    record = Record(topic, partition, 100 + offset, b"key", b"value", (*OWN, *count), AT)
    letter = DeadLetter.of(record, error or BrokenError("no"), service="rag", attempts=1, at=AT)
    return at(offset, letter.headers)


def at(offset: int, headers: tuple[tuple[str, bytes], ...]) -> Record:
    when = AT + timedelta(seconds=offset)
    return Record("recado.rag.dead-letters", 0, offset, b"key", b"value", headers, when)


def note(offset: int, of: Record) -> Record:
    letter = letter_of(of)
    assert letter is not None
    return at(offset, note_of(letter))


def test_a_letter_tells_where_from_and_why() -> None:
    letter = letter_of(dead(7, error=ValueError("bad")))
    assert letter is not None
    assert (letter.origin, letter.error, letter.message) == (
        "recado.messages[3]@107",
        "builtins.ValueError",
        "bad",
    )
    assert (letter.place, letter.redriven) == ((0, 7), 0)


def test_of_two_stories_the_last_counts() -> None:
    """A record that failed twice has the headers of a dead letter twice."""
    first = dead(1)
    again = Record("recado.messages", 5, 200, b"key", b"value", first.headers, AT)
    letter = letter_of(
        at(2, DeadLetter.of(again, KeyError("k"), service="rag", attempts=2, at=AT).headers)
    )
    assert letter is not None
    assert (letter.origin, letter.error) == ("recado.messages[5]@200", "builtins.KeyError")


def test_letters_are_grouped_by_error_and_topic() -> None:
    records = [
        dead(1),
        dead(2, error=ValueError("v")),
        dead(3),
        dead(4, topic="recado.answers"),
        dead(5),
    ]
    causes = grouped(sorted_out([*records, note(6, records[4])]))
    first = causes[0]
    assert [(one.topic, one.waiting, one.redriven) for one in causes] == [
        ("recado.messages", 2, 1),
        ("recado.messages", 1, 0),
        ("recado.answers", 1, 0),
    ]
    assert (first.first, first.last) == (AT + timedelta(seconds=1), AT + timedelta(seconds=5))
    assert first.example.place == (0, 3), "the last that waits"


def test_what_is_neither_letter_nor_note_is_counted() -> None:
    found = sorted_out([dead(1), at(2, OWN), at(3, ())])
    assert (len(found.letters), found.others) == (1, 2)


def test_the_oldest_are_sent_first_and_no_more_than_the_limit() -> None:
    planned = plan(sorted_out([dead(1), dead(2), dead(3)]), limit=2)
    assert [letter.place for letter in planned.send] == [(0, 1), (0, 2)]


def test_what_was_sent_back_is_not_offered_again_whatever_was_left_out() -> None:
    """A note names one letter; those before it that were not sent still wait."""
    records = [dead(1), dead(2, error=ValueError("v")), dead(3)]
    found = sorted_out([*records, note(4, records[1])])
    assert [letter.place for letter in plan(found, limit=10).send] == [(0, 1), (0, 3)]


def test_an_error_is_chosen_by_its_class_with_or_without_module() -> None:
    found = sorted_out([dead(1), dead(2, error=ValueError("v"))])
    for error in ("ValueError", "builtins.ValueError"):
        assert [one.place for one in plan(found, limit=10, error=error).send] == [(0, 2)]
    assert plan(found, limit=10, error="Value").send == ()


def test_a_record_that_was_sent_back_too_often_is_refused_unless_forced() -> None:
    found = sorted_out([dead(1, redriven=MOST_REDRIVES - 1), dead(2, redriven=MOST_REDRIVES)])
    planned = plan(found, limit=1)
    assert [letter.place for letter in planned.send] == [(0, 1)]
    assert [(one.place, why) for one, why in planned.refused] == [
        ((0, 2), RedriveRefusal.TOO_OFTEN)
    ]
    assert len(plan(found, limit=10, force=True).send) == 2


def test_nothing_is_sent_to_where_no_events_are_written() -> None:
    """Not to another's topic, not to a partition that is not there, not even forced."""
    found = sorted_out([dead(1, topic="payments"), dead(2, partition=12)])
    planned = plan(found, limit=10, force=True)
    assert planned.send == ()
    assert {why for _one, why in planned.refused} == {RedriveRefusal.NO_EVENT_TOPIC}


def test_what_is_sent_back_has_its_own_headers_and_how_often() -> None:
    """Nothing of the dead letter, and one count however often it failed."""
    record = dead(1, redriven=1)
    letter = letter_of(record)
    assert letter is not None
    assert headers_sent_back(record.headers, letter) == (*OWN, (REDRIVE_COUNT, b"2"))


def test_a_letters_headers_that_make_no_sense_make_no_letter() -> None:
    bad = tuple(
        (name, b"-1" if name == "dead_letter_offset" else value) for name, value in dead(1).headers
    )
    assert letter_of(at(1, bad)) is None
