"""One record in, at most one answer out, and nothing is done before Kafka has it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka.errors import MessageSizeTooLargeError, OutOfOrderSequenceNumber

from recado.rag.answering import Answering
from recado.rag.coverage import Coverage
from recado.rag.handling import MessageHandler
from recado.schemas import ids
from recado.schemas.answers import Rung
from recado.schemas.encoding import encode
from recado.schemas.events import AnswerGenerated, Event
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
        self.handle = MessageHandler(
            answering,
            self.topic,
            self.coverage,
            max_age=timedelta(hours=12),
            clock=lambda: self.clock,
        )


def record(event: Event) -> Record:
    """The event as the messages topic has it."""
    encoded = encode(event, source="ingress")
    return Record(
        topic="recado.messages",
        partition=PARTITION,
        offset=7,
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
