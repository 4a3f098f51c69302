"""One answer event from a customer's messages."""

from datetime import datetime, timedelta

import pytest

from recado.rag.answering import Answering
from recado.rag.errors import ModelUnavailable, OptedOut
from recado.rag.history import Conversation, Entry, Exchange
from recado.schemas import ids
from recado.schemas.answers import Rung
from recado.schemas.webhooks import MessageKind
from support.examples import NOW
from unit.rag.fakes import (
    TEXTS,
    FakeConversations,
    FakeKnowledge,
    FakeModel,
    ladder,
    message,
    passage,
    some_id,
)

LATER = NOW + timedelta(seconds=3)
STRANGER = Conversation(introduced=False)


def clock() -> datetime:
    """A clock that stands still."""
    return LATER


def answering(
    conversations: FakeConversations | None = None,
    knowledge: FakeKnowledge | None = None,
    model: FakeModel | None = None,
) -> Answering:
    """Answering over fakes."""
    return Answering(
        conversations or FakeConversations(),
        ladder(knowledge or FakeKnowledge(passage(1)), model or FakeModel()),
        TEXTS,
        deadline=timedelta(minutes=15),
        clock=clock,
    )


async def test_the_event_names_what_it_answers_and_can_be_sent_alone() -> None:
    first, second = (
        message(number=1),
        message("¿y por cable?", number=2, after=timedelta(seconds=1)),
    )
    answer = await answering().answer((first, second))
    assert answer.id == ids.answer_id([first.id, second.id])
    assert answer.message_ids == (first.id, second.id)
    assert (answer.conversation, answer.reply_to) == (second.conversation, second.reply_to)
    assert answer.quoted_message_id == second.platform_message_id
    assert answer.received_at == first.occurred_at
    assert answer.occurred_at == LATER
    assert answer.deadline == LATER + timedelta(minutes=15)
    assert answer.rung is Rung.GROUNDED
    assert answer.timings.generation is not None


async def test_the_event_carries_what_it_was_made_from() -> None:
    said = Entry(some_id(), "user", "Tengo el plan Hogar", NOW - timedelta(minutes=1))
    conversation = Conversation(introduced=True, entries=(said,))
    answer = await answering(FakeConversations(conversation)).answer((message(),))
    assert [turn.text for turn in answer.history] == ["Tengo el plan Hogar"]
    assert answer.retrieval is not None
    assert [found.title for found in answer.retrieval.passages] == ["Página 1"]
    assert answer.model == "fake-model"
    assert answer.prompt_version is not None


@pytest.mark.parametrize(
    ("text", "begins", "resets"),
    [
        ("/ayuda", "Soy un asistente automático", False),
        ("/help@demo_bot", "Soy un asistente automático", False),
        ("/START", "¡Hola! Soy el asistente automático", False),
        ("/reset", "Listo, empezamos de nuevo", True),
        ("BAJA", "Listo, no recibirás más respuestas automáticas", False),
        ("ALTA", "¡Hola de nuevo!", False),
    ],
)
async def test_a_command_is_answered_without_search_or_model(
    text: str, begins: str, *, resets: bool
) -> None:
    knowledge, model = FakeKnowledge(passage(1)), FakeModel()
    answer = await answering(knowledge=knowledge, model=model).answer((message(text),))
    assert answer.text.startswith(begins)
    assert (answer.rung, answer.resets_history) == (Rung.COMMAND, resets)
    assert (knowledge.queries, model.prompts) == ([], [])


@pytest.mark.parametrize("text", ["¿Por qué va lento?", "gracias", "/ayuda", "/reset"])
async def test_who_wants_no_automatic_answers_gets_none(text: str) -> None:
    knowledge, model = FakeKnowledge(passage(1)), FakeModel()
    service = answering(FakeConversations(Conversation(opted_out=True)), knowledge, model)
    with pytest.raises(OptedOut):
        await service.answer((message(text),))
    assert (knowledge.queries, model.prompts) == ([], [])


@pytest.mark.parametrize(("text", "opts_out"), [("BAJA", True), ("ALTA", False), ("/start", False)])
async def test_leaving_and_coming_back_are_confirmed_and_said_in_the_event(
    text: str, *, opts_out: bool
) -> None:
    service = answering(FakeConversations(Conversation(introduced=False, opted_out=True)))
    answer = await service.answer((message(text),))
    assert answer.opts_out is opts_out
    assert TEXTS.get("introduction") not in answer.text
    assert (await answering().answer((message(),))).opts_out is None


async def test_a_first_contact_hears_once_that_an_automatic_assistant_answers() -> None:
    service = answering(FakeConversations(STRANGER))
    first = await service.answer((message(number=1),))
    assert first.introduces
    assert first.text.startswith(TEXTS.get("introduction"))
    exchange = Exchange.of(first, (message(number=1),))
    second = await service.answer((message(number=2),), (exchange,))
    assert not second.introduces
    assert TEXTS.get("introduction") not in second.text


async def test_start_is_its_own_introduction() -> None:
    answer = await answering(FakeConversations(STRANGER)).answer((message("/start"),))
    assert answer.introduces
    assert TEXTS.get("introduction") not in answer.text


async def test_without_mongodb_the_answer_has_no_history_does_not_introduce_and_says_why() -> None:
    answer = await answering(FakeConversations(away=True)).answer((message(),))
    assert answer.rung is Rung.GROUNDED
    assert answer.history == ()
    assert not answer.introduces
    assert answer.error == "history: unavailable"


async def test_every_reason_for_a_lower_rung_is_kept() -> None:
    service = answering(FakeConversations(away=True), model=FakeModel(ModelUnavailable("503")))
    answer = await service.answer((message(),))
    assert answer.rung is Rung.EXTRACTIVE
    assert answer.error == "503; history: unavailable"


async def test_a_voice_note_gets_one_polite_line() -> None:
    answer = await answering().answer((message(None, kind=MessageKind.VOICE),))
    assert answer.rung is Rung.NOTICE
    assert answer.text == TEXTS.get("voice_unreadable")
    assert answer.retrieval is None


async def test_a_caption_is_answered_and_the_picture_owned_up_to() -> None:
    answer = await answering().answer((message("¿Qué es esta luz?", kind=MessageKind.IMAGE),))
    assert answer.rung is Rung.GROUNDED
    assert answer.text.startswith(TEXTS.get("attachment_ignored"))


async def test_a_greeting_is_greeted_without_a_search() -> None:
    knowledge = FakeKnowledge(passage(1))
    answer = await answering(knowledge=knowledge).answer((message("Hola"),))
    assert (answer.text, answer.rung) == (TEXTS.get("greeting"), Rung.NOTICE)
    assert knowledge.queries == []


async def test_a_second_apology_in_a_row_is_shorter_and_covers_its_own_message() -> None:
    service = answering(
        knowledge=FakeKnowledge(down=True), model=FakeModel(ModelUnavailable("503"))
    )
    first = await service.answer((message(number=1),))
    again = await service.answer((message(number=2),), (Exchange.of(first, (message(number=1),)),))
    assert first.text == TEXTS.get("apology")
    assert again.text == TEXTS.get("apology_again")
    assert again.message_ids == (message(number=2).id,)
