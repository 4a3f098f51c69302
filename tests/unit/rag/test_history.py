"""The conversation's document and our own answers, laid over each other."""

from datetime import timedelta
from uuid import UUID

import pytest

from recado.rag.conversations import read_document
from recado.rag.history import Conversation, Entry, Exchange, past
from recado.schemas.answers import Rung
from recado.schemas.events import AnswerGenerated, MessageReceived
from support.examples import ANSWER_GENERATED, NOW
from unit.rag.fakes import message, some_id

SECOND = timedelta(seconds=1)


def said(text: str, at: timedelta, entry_id: UUID | None = None) -> Entry:
    """A turn of the customer in the document."""
    return Entry(entry_id or some_id(), "user", text, NOW + at)


def answered(to: MessageReceived, text: str, at: timedelta, **changes: object) -> AnswerGenerated:
    """Our answer to a message."""
    return ANSWER_GENERATED.model_copy(
        update={
            "id": some_id(),
            "message_ids": (to.id,),
            "text": text,
            "occurred_at": NOW + at,
            **changes,
        }
    )


def test_our_own_answer_that_is_not_in_the_document_yet_is_part_of_the_past() -> None:
    first, second = message("uno", number=1), message("dos", number=2, after=5 * SECOND)
    exchange = Exchange.of(answered(first, "respuesta", 2 * SECOND), [first])
    before = past(Conversation(entries=(said("antes", -SECOND),)), [exchange], [second])
    assert [turn.text for turn in before.turns] == ["antes", "uno", "respuesta"]
    assert [turn.role for turn in before.turns] == ["user", "user", "assistant"]


def test_what_is_in_both_counts_once() -> None:
    first, second = message("uno", number=1), message("dos", number=2, after=5 * SECOND)
    answer = answered(first, "respuesta", 2 * SECOND)
    document = Conversation(
        entries=(
            said("uno", timedelta(0), first.id),
            Entry(answer.id, "assistant", "respuesta", NOW + 2 * SECOND),
        )
    )
    before = past(document, [Exchange.of(answer, [first])], [second])
    assert [turn.text for turn in before.turns] == ["uno", "respuesta"]


def test_the_message_itself_and_later_ones_are_not_its_past() -> None:
    now, later = message("ahora", number=1), message("luego", number=2, after=SECOND)
    document = Conversation(
        entries=(
            said("antes", -SECOND),
            said("ahora", timedelta(0), now.id),
            said("luego", SECOND, later.id),
        )
    )
    assert [turn.text for turn in past(document, [], [now]).turns] == ["antes"]


def test_a_reset_cuts_what_was_said_before_it_in_document_and_overlay() -> None:
    first, reset = message("uno", number=1), message("/reset", number=2, after=3 * SECOND)
    fresh = message("dos", number=3, after=10 * SECOND)
    exchanges = [
        Exchange.of(answered(first, "respuesta", 2 * SECOND), [first]),
        Exchange.of(answered(reset, "hecho", 4 * SECOND, resets_history=True), [reset]),
    ]
    document = Conversation(entries=(said("viejo", -SECOND), said("nuevo", 6 * SECOND)))
    assert [turn.text for turn in past(document, exchanges, [fresh]).turns] == ["nuevo"]


def test_only_the_last_turns_are_kept() -> None:
    entries = tuple(said(str(number), number * SECOND) for number in range(15))
    before = past(Conversation(entries=entries), [], [message(after=60 * SECOND)])
    assert [turn.text for turn in before.turns] == [str(number) for number in range(5, 15)]


def test_first_contact_is_when_neither_the_document_nor_we_have_introduced_ourselves() -> None:
    here = message(number=2, after=SECOND)
    introduced = Exchange.of(answered(message(), "hola", SECOND, introduces=True))
    assert not past(Conversation(introduced=False), [], [here]).introduced
    assert past(Conversation(introduced=True), [], [here]).introduced
    assert past(Conversation(introduced=False), [introduced], [here]).introduced


def test_when_nobody_knows_nobody_is_introduced_and_our_own_answers_still_count() -> None:
    first, second = message("uno", number=1), message("dos", number=2, after=5 * SECOND)
    before = past(None, [Exchange.of(answered(first, "respuesta", SECOND), [first])], [second])
    assert before.introduced
    assert before.unavailable
    assert [turn.text for turn in before.turns] == ["uno", "respuesta"]


def test_an_apology_just_before_is_remembered() -> None:
    here = message(number=2)
    sorry = Exchange.of(answered(message(), "perdón", SECOND, rung=Rung.APOLOGY))
    fine = Exchange.of(answered(message(), "listo", 2 * SECOND))
    assert past(Conversation(), [sorry], [here]).apologised
    assert not past(Conversation(), [sorry, fine], [here]).apologised


def test_a_document_is_read_as_the_dispatcher_writes_it_and_a_bad_turn_costs_no_other() -> None:
    kept, operator = some_id(), some_id()
    read = read_document(
        {
            "_id": "whatsapp:demo:1",
            "introduced": True,
            "history_from": NOW,
            "recent": [
                {"id": str(some_id()), "role": "user", "text": "viejo", "at": NOW - SECOND},
                {"id": str(kept), "role": "user", "text": "uno", "at": NOW, "offset": 3},
                {"id": "no uuid", "role": "user", "text": "roto", "at": NOW},
                {
                    "id": str(operator),
                    "role": "assistant",
                    "text": "soy Lucía",
                    "at": NOW + SECOND,
                    "operator": "lucia",
                    "answers": [],
                },
            ],
        }
    )
    assert read.introduced
    assert read.entries == (
        Entry(kept, "user", "uno", NOW),
        Entry(operator, "assistant", "soy Lucía", NOW + SECOND),
    )


def test_a_document_without_turns_is_an_empty_conversation() -> None:
    assert read_document({"_id": "x", "introduced": None, "history_from": None}) == Conversation()


@pytest.mark.parametrize(
    ("ordered", "in_document", "opted_out"),
    [
        ((), False, False),
        ((), True, True),
        ((True,), False, True),  # the document lags behind our own answer
        ((False,), True, False),
        ((True, None, False, None), False, False),  # what was ordered last counts
        ((False, True), False, True),
    ],
)
def test_whether_automatic_answers_are_wanted_is_what_was_ordered_last(
    ordered: tuple[bool | None, ...], *, in_document: bool, opted_out: bool
) -> None:
    exchanges = [
        Exchange.of(answered(message(number=number), "hecho", number * SECOND, opts_out=one))
        for number, one in enumerate(ordered)
    ]
    before = past(Conversation(opted_out=in_document), exchanges, [message(number=99)])
    assert before.opted_out is opted_out


def test_the_document_says_when_automatic_answers_are_not_wanted() -> None:
    assert read_document({"_id": "x", "opted_out_at": NOW}).opted_out
    assert not read_document({"_id": "x", "opted_out_at": None}).opted_out
