"""One record in, at most one answer out, and nothing is done before Kafka has it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka.errors import MessageSizeTooLargeError, OutOfOrderSequenceNumber
from prometheus_client import REGISTRY

from recado.rag.answering import Answering
from recado.rag.coverage import Coverage
from recado.rag.handling import MessageHandler
from recado.schemas import ids
from recado.schemas.answers import Rung
from recado.schemas.encoding import encode
from recado.schemas.events import AnswerGenerated, Event, MessageReceived
from recado.schemas.webhooks import MessageKind
from recado.servicekit.kafka import NotAcknowledged
from recado_lanes import Permanent, Record, Unavailable
from support.examples import NOW, STATUS_REPORTED
from unit.rag.fakes import (
    TEXTS,
    FakeConversations,
    FakeKnowledge,
    FakeModel,
    ladder,
    message,
    passage,
)

PARTITION = 3


class Topic:
    """Takes answers, or does not acknowledge them."""

    def __init__(self) -> None:
        self.answers: list[AnswerGenerated] = []
        self.cause: BaseException | None = None
        self.away = False

    async def publish(self, *events: Event) -> None:
        if self.away:
            raise NotAcknowledged(["recado.answers"], "away") from self.cause
        self.answers.extend(event for event in events if isinstance(event, AnswerGenerated))


class Rag:
    """The handler over fakes."""

    def __init__(self, *, age: timedelta = timedelta(0)) -> None:
        self.model = FakeModel()
        self.topic = Topic()
        self.coverage = Coverage()
        self.clock = NOW + age
        answering = Answering(
            FakeConversations(),
            ladder(FakeKnowledge(passage(1)), self.model),
            TEXTS,
            deadline=timedelta(minutes=15),
            clock=lambda: self.clock,
        )
        self.handler = MessageHandler(
            answering,
            self.topic,
            self.coverage,
            max_age=timedelta(hours=12),
            clock=lambda: self.clock,
        )

    async def handle(self, *records: Record) -> None:
        """A batch."""
        await self.handler(records)

    async def receive(self, *messages: MessageReceived) -> None:
        """A batch of messages."""
        await self.handler([record(one, offset=n) for n, one in enumerate(messages)])


def record(event: Event, *, offset: int = 7) -> Record:
    """The event as the messages topic has it."""
    encoded = encode(event, source="ingress")
    return Record(
        topic="recado.messages",
        partition=PARTITION,
        offset=offset,
        key=encoded.key,
        value=encoded.value,
        headers=encoded.headers,
        timestamp=datetime.now(UTC),
    )


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


async def test_an_answer_that_kafka_does_not_take_is_kept_and_the_model_not_paid_twice() -> None:
    rag = Rag()
    rag.topic.away = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            await rag.handle(record(message()))
    assert not rag.coverage.of(PARTITION).covers(message().id)
    rag.topic.away = False
    await rag.handle(record(message()))
    assert len(rag.topic.answers) == 1
    assert len(rag.model.prompts) == 1


async def test_an_answer_that_is_too_large_for_its_topic_is_given_up() -> None:
    rag = Rag()
    rag.topic.away, rag.topic.cause = True, MessageSizeTooLargeError()
    with pytest.raises(Permanent):
        await rag.handle(record(message()))


@pytest.mark.parametrize("cause", [OutOfOrderSequenceNumber(), TimeoutError()])
async def test_a_kafka_that_is_away_is_waited_for(cause: Exception) -> None:
    rag = Rag()
    rag.topic.away, rag.topic.cause = True, cause
    with pytest.raises(Unavailable):
        await rag.handle(record(message()))


async def test_an_answer_that_kafka_did_not_take_until_its_deadline_is_made_anew() -> None:
    """The old one would not be sent any more, and the customer would hear nothing."""
    rag = Rag()
    rag.topic.away = True
    with pytest.raises(Unavailable):
        await rag.handle(record(message()))
    rag.topic.away = False
    rag.clock += timedelta(minutes=15)
    await rag.handle(record(message()))
    (answer,) = rag.topic.answers
    assert answer.deadline > rag.clock


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


def three() -> tuple[MessageReceived, MessageReceived, MessageReceived]:
    """What a customer writes in three messages."""
    return (
        message("Hola", number=1),
        message("el internet va lento", number=2, after=timedelta(seconds=1)),
        message("desde ayer", number=3, after=timedelta(seconds=2)),
    )


async def without_acknowledgement(rag: Rag, *messages: MessageReceived) -> None:
    """Make an answer while Kafka acknowledges nothing."""
    rag.topic.away = True
    with pytest.raises(Unavailable):
        await rag.receive(*messages)
    rag.topic.away = False


def edit_of(changed: MessageReceived, text: str) -> MessageReceived:
    """The customer's correction of it."""
    edit = message(text, number=90, kind=MessageKind.EDIT)
    return edit.model_copy(update={"quoted_message_id": changed.platform_message_id})


async def test_three_messages_get_one_answer_that_covers_them() -> None:
    rag = Rag()
    messages = three()
    await rag.receive(*messages)
    (answer,) = rag.topic.answers
    assert answer.message_ids == tuple(one.id for one in messages)
    assert answer.id == ids.answer_id(one.id for one in messages)
    assert len(rag.model.prompts) == 1
    assert all(rag.coverage.of(PARTITION).covers(one.id) for one in messages)


async def test_all_three_are_history_of_the_next_message() -> None:
    rag = Rag(age=timedelta(seconds=3))
    await rag.receive(*three())
    await rag.receive(message("¿y por cable?", number=4, after=timedelta(seconds=9)))
    assert [turn.text for turn in rag.topic.answers[1].history[:3]] == [
        "Hola",
        "el internet va lento",
        "desde ayer",
    ]


async def test_what_is_covered_already_is_left_out_of_the_answer_to_the_rest() -> None:
    """After a crash the batch is cut otherwise."""
    rag = Rag()
    first, second, third = three()
    await rag.receive(first, second)
    await rag.receive(first, second, third)
    assert [one.message_ids for one in rag.topic.answers] == [
        (first.id, second.id),
        (third.id,),
    ]


async def test_a_message_that_is_in_a_batch_twice_counts_once() -> None:
    rag = Rag()
    (_, second, third) = three()
    await rag.receive(second, third, second)
    (answer,) = rag.topic.answers
    assert answer.message_ids == (second.id, third.id)


async def test_an_answer_without_acknowledgement_is_published_again_before_a_new_one_is_made() -> (
    None
):
    """It may have been written; the message that joined the batch gets an answer of its own."""
    rag = Rag()
    first, second, third = three()
    await without_acknowledgement(rag, first, second)
    await rag.receive(first, second, third)
    assert [one.message_ids for one in rag.topic.answers] == [
        (first.id, second.id),
        (third.id,),
    ]
    assert len(rag.model.prompts) == 2


async def test_an_answer_to_more_than_the_batch_has_covers_the_others_too() -> None:
    """Batches may also be cut shorter than they were."""
    rag = Rag()
    _, second, third = three()
    await without_acknowledgement(rag, second, third)
    await rag.receive(second)
    await rag.receive(third)
    (answer,) = rag.topic.answers
    assert answer.message_ids == (second.id, third.id)


async def test_an_answer_that_was_read_back_meanwhile_is_not_published_again() -> None:
    """It was written though it was not acknowledged; the partition went and came back."""
    rag = Rag()
    first, second, third = three()
    await without_acknowledgement(rag, first, second)
    (lost,) = {one.answer for one in rag.handler._unpublished.values()}
    rag.coverage.drop([PARTITION])
    rag.coverage.of(PARTITION).add(lost)
    await rag.receive(first, second, third)
    assert [one.message_ids for one in rag.topic.answers] == [(third.id,)]


async def test_what_another_process_answered_meanwhile_is_not_answered_by_what_was_kept() -> None:
    """It cut the batch otherwise and went away: only what it left is answered, by a new answer."""
    rag, other = Rag(), Rag()
    first, second, _ = three()
    await without_acknowledgement(rag, first, second)
    await other.receive(first)
    (theirs,) = other.topic.answers
    rag.coverage.drop([PARTITION])
    rag.coverage.of(PARTITION).add(theirs)
    await rag.receive(first, second)
    assert [one.message_ids for one in rag.topic.answers] == [(second.id,)]
    assert not rag.handler._unpublished


async def test_what_was_kept_is_history_as_it_was_read_then() -> None:
    """Also the messages that the shorter batch doesn't have, and those that were edited."""
    rag = Rag(age=timedelta(seconds=3))
    _, second, third = three()
    await without_acknowledgement(rag, second, third, edit_of(second, "el wifi va lento"))
    await rag.receive(third)
    (exchange,) = rag.coverage.of(PARTITION).exchanges(second.conversation)
    assert [one.text for one in exchange.entries[:2]] == ["el wifi va lento", "desde ayer"]


async def test_an_answer_that_is_too_large_is_made_anew_for_each_message_alone() -> None:
    """Lanes hands a batch that failed for good over again, record by record."""
    rag = Rag()
    _, second, third = three()
    rag.topic.away, rag.topic.cause = True, MessageSizeTooLargeError()
    with pytest.raises(Permanent):
        await rag.receive(second, third)
    rag.topic.away = False
    await rag.receive(second)
    await rag.receive(third)
    assert [one.message_ids for one in rag.topic.answers] == [(second.id,), (third.id,)]


async def test_a_message_that_was_edited_meanwhile_is_answered_as_it_is_now() -> None:
    rag = Rag()
    first = message("no tengo intrenet", number=1)
    await rag.receive(first, edit_of(first, "no tengo internet"))
    (answer,) = rag.topic.answers
    assert answer.message_ids == (first.id,)
    assert "no tengo internet" in rag.model.prompts[0].turns[-1].text
    assert "intrenet" not in rag.model.prompts[0].turns[-1].text


async def test_a_message_that_was_taken_back_meanwhile_is_not_answered() -> None:
    rag = Rag()
    first, second = message("hola, me equivoqué", number=1), message("¿hay avería?", number=2)
    revoked = message(None, number=3, kind=MessageKind.REVOKE)
    revoked = revoked.model_copy(update={"quoted_message_id": first.platform_message_id})
    before = skipped("taken_back")
    await rag.receive(first, second, revoked)
    (answer,) = rag.topic.answers
    assert answer.message_ids == (second.id,)
    assert skipped("taken_back") == before + 1


def skipped(reason: str) -> float:
    """How many messages were left out for it."""
    counted = REGISTRY.get_sample_value("recado_messages_skipped_total", {"reason": reason})
    return counted or 0.0


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
