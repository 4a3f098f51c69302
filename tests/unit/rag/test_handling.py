"""One record in, at most one answer out, and nothing is done before Kafka has it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from recado.schemas import ids
from recado.schemas.answers import Rung
from recado.schemas.webhooks import MessageKind
from recado_lanes import Permanent
from support.examples import CUSTOMER_FORGOTTEN, STATUS_REPORTED
from unit.rag.fakes import message
from unit.rag.handler import PARTITION, Rag, record


async def test_a_message_becomes_one_answer_and_is_covered() -> None:
    rag = Rag()
    await rag.handle(record(message()))
    (answer,) = rag.topic.answers
    assert answer.id == ids.answer_id([message().id])
    assert answer.rung is Rung.GROUNDED
    assert rag.coverage.of(PARTITION).covers(message().id)


async def test_a_message_that_comes_twice_is_answered_once() -> None:
    """Ingress may emit one twice."""
    rag = Rag()
    await rag.handle(record(message()))
    await rag.handle(record(message()))
    assert len(rag.topic.answers) == 1
    assert len(rag.model.prompts) == 1


async def test_messages_older_than_twelve_hours_are_skipped() -> None:
    fresh, old = Rag(age=timedelta(hours=11, minutes=59)), Rag(age=timedelta(hours=12, minutes=1))
    await fresh.handle(record(message()))
    await old.handle(record(message()))
    assert (len(fresh.topic.answers), len(old.topic.answers)) == (1, 0)


@pytest.mark.parametrize("kind", [MessageKind.REACTION, MessageKind.EDIT, MessageKind.REVOKE])
async def test_what_wants_no_answer_gets_none(kind: MessageKind) -> None:
    rag = Rag()
    await rag.handle(record(message("texto", kind=kind)))
    assert rag.topic.answers == []


async def test_another_event_on_the_topic_is_passed_over() -> None:
    rag = Rag()
    await rag.handle(record(STATUS_REPORTED))
    assert rag.topic.answers == []


async def test_what_can_t_be_read_is_a_dead_letter() -> None:
    rag = Rag()
    with pytest.raises(Permanent):
        await rag.handle(replace(record(message()), value=b"{"))


async def test_our_own_answer_is_history_of_the_next_message_at_once() -> None:
    """MongoDB's document lags behind; here it has nothing yet."""
    rag = Rag()
    await rag.handle(record(message("¿Por qué va lento?", number=1)))
    await rag.handle(record(message("¿y por cable?", number=2, after=timedelta(seconds=9))))
    second = rag.topic.answers[1]
    assert [turn.role for turn in second.history] == ["user", "assistant"]
    assert second.history[0].text == "¿Por qué va lento?"


@pytest.mark.parametrize(
    ("text", "alone"), [("/reset", True), ("/ayuda@bot", True), ("reset", False), ("/otra", False)]
)
def test_commands_stand_alone(text: str, *, alone: bool) -> None:
    assert Rag().handler.alone(record(message(text))) is alone


def test_what_can_t_be_read_stands_alone() -> None:
    """So that it becomes a dead letter by itself; to ask is no error."""
    broken = replace(record(message()), value=b"{")
    assert Rag().handler.alone(broken)
    unknown = replace(record(message()), headers=(("ce_type", b"recado.new.v1"),))
    assert not Rag().handler.alone(unknown)


async def test_a_record_is_decoded_once() -> None:
    """What tells a command from a message has read it already; what is not taken is forgotten."""
    rag = Rag()
    one = record(message())
    assert not rag.handler.alone(one)
    await rag.handle(one)
    assert not rag.handler._read_ahead
    for offset in range(3000):
        rag.handler.alone(record(message(), offset=offset))
    assert len(rag.handler._read_ahead) == 2000


async def test_of_who_is_forgotten_nothing_is_known_but_that_they_were_answered() -> None:
    """What they write next is answered as if they had never written."""
    rag = Rag()
    await rag.receive(message("Tengo el plan Hogar", number=1))
    gone = CUSTOMER_FORGOTTEN.model_copy(update={"conversation": message().conversation})
    one = record(gone, offset=8)
    assert rag.handler.alone(one)
    await rag.handle(one)
    await rag.receive(message("Tengo el plan Hogar", number=1))
    await rag.receive(message("¿Y por qué va lento?", number=2, after=timedelta(seconds=5)))
    (_, later) = rag.topic.answers
    assert later.history == ()


async def test_after_baja_nothing_is_answered_until_alta() -> None:
    """The document lags behind: what this process answered itself counts."""
    rag = Rag()
    for number, text in enumerate(("BAJA", "¿Por qué va lento?", "Hola", "ALTA", "¿Y ahora?")):
        await rag.receive(message(text, number=number, after=timedelta(seconds=number)))
    answered = [one.message_ids[0] for one in rag.topic.answers]
    assert answered == [message(number=number).id for number in (0, 3, 4)]
