"""The message handler over fakes, and what customers write to it."""

from datetime import UTC, datetime, timedelta

import pytest

from recado.rag.answering import Answering
from recado.rag.coverage import Coverage
from recado.rag.handling import MessageHandler
from recado.schemas.encoding import encode
from recado.schemas.events import AnswerGenerated, Event, MessageReceived
from recado.schemas.webhooks import MessageKind
from recado.servicekit.kafka import NotAcknowledged
from recado_lanes import Record, Unavailable
from support.examples import NOW
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
