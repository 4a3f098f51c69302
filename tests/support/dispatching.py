"""A dispatcher without Kafka, MongoDB or platforms: its core on fakes, and events to feed it.

Time stands still but while a record waits for a result: as lanes does, `World.take` hands it over
again then. What a test wants to happen meanwhile it puts into `World.meanwhile`.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from recado.channels.contract import Attentive, Integration, Limits, Part
from recado.channels.errors import RetryLater, SendError
from recado.channels.registry import CHANNELS
from recado.dispatcher import callback
from recado.dispatcher.attempts import Attempts
from recado.dispatcher.attending import Attention
from recado.dispatcher.handlers import Handlers, LookAgain
from recado.dispatcher.ledger import KEPT, Ledger
from recado.dispatcher.outgoing import Outgoing, Position
from recado.dispatcher.parts import Parts
from recado.dispatcher.ports import Documents, Name
from recado.dispatcher.recording import Recording
from recado.dispatcher.sending import Sending
from recado.dispatcher.statuses import Statuses
from recado.dispatcher.stopped import Stopped
from recado.dispatcher.throttling import Throttle
from recado.dispatcher.timing import Timing, WhenUncertain
from recado.schemas import ids
from recado.schemas.answers import Rung, Timings
from recado.schemas.base import Platform
from recado.schemas.conversations import Recipient, ReplyTo, User
from recado.schemas.encoding import encode
from recado.schemas.events import (
    AnswerDelivered,
    AnswerGenerated,
    AnswerNotDelivered,
    Event,
    HandoffReleased,
    HandoffRequested,
    MessageReceived,
    OperatorReplied,
    StatusReported,
)
from recado.schemas.webhooks import DeliveryStatus, MessageKind, PlatformError, Pricing
from recado_lanes import Record
from support.memory_documents import MemoryDocuments

NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
SEND_TIMEOUT = timedelta(seconds=10)
SKEW = timedelta(seconds=2)
UNCERTAIN_AFTER = timedelta(seconds=10)
DEADLINE = timedelta(minutes=15)
CLOSES_AFTER = timedelta(days=1)

WHATSAPP = ReplyTo(
    platform=Platform.WHATSAPP, integration="wa", chat="5491100000001", recipient=Recipient.PHONE
)
TELEGRAM = ReplyTo(
    platform=Platform.TELEGRAM, integration="tg", chat="4711", recipient=Recipient.CHAT
)


def conversation_of(reply_to: ReplyTo) -> str:
    return ids.conversation_key(reply_to.platform, reply_to.integration, reply_to.chat)


def message(number: int, reply_to: ReplyTo = WHATSAPP, **changed: object) -> MessageReceived:
    """The customer's message of that number, a second after the one before."""
    event = MessageReceived(
        id=ids.message_id(reply_to.integration, "message", reply_to.chat, str(number)),
        occurred_at=NOW - timedelta(minutes=10) + timedelta(seconds=number),
        sent_at=NOW - timedelta(minutes=10) + timedelta(seconds=number),
        conversation=conversation_of(reply_to),
        reply_to=reply_to,
        user=User(id=reply_to.chat, name="Ana", aliases=("ana",)),
        platform_message_id=str(number),
        kind=MessageKind.TEXT,
        platform_kind="text",
        text=f"pregunta {number}",
        webhook_id=UUID(int=number),
    )
    return event.model_copy(update=changed)


def answer(*numbers: int, reply_to: ReplyTo = WHATSAPP, **changed: object) -> AnswerGenerated:
    """The answer to those messages."""
    messages = tuple(message(number, reply_to).id for number in numbers)
    event = AnswerGenerated(
        id=ids.answer_id(messages),
        occurred_at=NOW - timedelta(minutes=9) + timedelta(seconds=max(numbers)),
        conversation=conversation_of(reply_to),
        reply_to=reply_to,
        message_ids=messages,
        quoted_message_id=str(max(numbers)),
        text=f"respuesta a {max(numbers)}",
        rung=Rung.GROUNDED,
        timings=Timings(total=timedelta(seconds=1)),
        received_at=message(min(numbers), reply_to).occurred_at,
        deadline=NOW + DEADLINE,
    )
    return event.model_copy(update=changed)


def operator_reply(number: int = 1, reply_to: ReplyTo = WHATSAPP) -> OperatorReplied:
    return OperatorReplied(
        id=UUID(int=1000 + number),
        occurred_at=NOW,
        conversation=conversation_of(reply_to),
        reply_to=reply_to,
        operator="marta",
        text="Te escribe Marta.",
        deadline=NOW + DEADLINE,
    )


def handoff_requested(reply_to: ReplyTo = WHATSAPP) -> HandoffRequested:
    return HandoffRequested(
        id=UUID(int=2000),
        occurred_at=NOW,
        conversation=conversation_of(reply_to),
        reason="asked for a person",
    )


def handoff_released(reply_to: ReplyTo = WHATSAPP) -> HandoffReleased:
    return HandoffReleased(
        id=UUID(int=2001),
        occurred_at=NOW,
        conversation=conversation_of(reply_to),
        operator="marta",
    )


def status(
    platform_id: str,
    status: DeliveryStatus = DeliveryStatus.DELIVERED,
    *,
    of: AnswerGenerated | None = None,
    part: int = 0,
    at: datetime = NOW,
    errors: Sequence[PlatformError] = (),
    pricing: Pricing | None = None,
) -> StatusReported:
    """A report; with `of` it names that answer's part in its callback data."""
    conversation = conversation_of(WHATSAPP)
    return StatusReported(
        id=ids.status_id(WHATSAPP.integration, platform_id, status.value, at),
        occurred_at=at,
        reported_at=at,
        conversation=conversation,
        integration=WHATSAPP.integration,
        platform_message_id=platform_id,
        status=status,
        callback_data=None if of is None else callback.write(of.id, part, conversation),
        errors=tuple(errors),
        pricing=pricing,
        webhook_id=UUID(int=9),
    )


def record(event: Event, offset: int = 0, at: datetime = NOW) -> Record:
    """The event as it comes from Kafka."""
    encoded = encode(event, source="test")
    return Record(encoded.topic, 0, offset, encoded.key, encoded.value, encoded.headers, at)


def turns(conversation: dict[str, object]) -> list[dict[str, object]]:
    """The `recent` turns of a conversation's document."""
    recent = conversation["recent"]
    assert isinstance(recent, list)
    return recent


def outgoing(event: AnswerGenerated | OperatorReplied, offset: int = 0) -> Outgoing:
    return Outgoing(event, Position("recado.answers", 0, offset, NOW))


class Platforms:
    """All platforms at once: keeps what arrived, does what it is told before it answers."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.asked: list[tuple[ReplyTo, Part, str, str | None]] = []
        self.results: list[SendError | BaseException | None] = []
        """What the next requests end with; None, or nothing: accepted."""
        self.before_answering: Callable[[], Awaitable[None]] | None = None
        self.limited = Limits()
        self.integrations: dict[str, Integration] = {}
        """By platform; one that is not here has no reply window."""
        self.attends: Attentive | None = None
        self.known = True
        """The integration is there; one that is gone sends nothing, as of `PooledSenders`."""

    def sender(self, reply_to: ReplyTo) -> "Platforms | None":
        del reply_to
        return self if self.known else None

    def attentive(self, reply_to: ReplyTo) -> Attentive | None:
        del reply_to
        return self.attends

    def integration(self, reply_to: ReplyTo) -> Integration | None:
        return self.integrations.get(reply_to.platform)

    def limits(self, reply_to: ReplyTo) -> Limits:
        del reply_to
        return self.limited

    async def send(
        self,
        reply_to: ReplyTo,
        part: Part,
        *,
        callback_data: str,
        quoted_message_id: str | None = None,
    ) -> str:
        if not self.known:
            raise RetryLater("gone")
        self.asked.append((reply_to, part, callback_data, quoted_message_id))
        if self.before_answering is not None:
            await self.before_answering()
        result = self.results.pop(0) if self.results else None
        if result is not None:
            raise result
        self.arrived.append(part.text)
        return f"wamid.{len(self.arrived)}"


class World:
    """One or more dispatchers on one store and one set of platforms."""

    def __init__(self, documents: Documents | None = None, *, telegram_resends: bool = True):
        self.documents = documents or MemoryDocuments()
        self.platforms = Platforms()
        self.published: list[AnswerDelivered | AnswerNotDelivered] = []
        self.publish_fails: list[Exception] = []
        self.now = NOW
        self.waited: list[timedelta] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self._telegram_resends = telegram_resends
        self._runs = 0
        self.restart()

    def restart(self) -> None:
        """The process is gone and a new one has started: nothing is remembered but the store."""
        self._runs += 1
        self.ledger = Ledger(self.documents, self.clock, owner=f"run-{self._runs}")
        self.recording = Recording(
            self.documents, webhooks_kept=timedelta(days=30), closes_after=CLOSES_AFTER
        )
        self.statuses = Statuses(self.documents, self.clock, kept=KEPT)
        self.attempts = Attempts(self.clock)
        self.stopped = Stopped(lambda: (self.now - NOW).total_seconds())
        self.throttle = Throttle(
            self.platforms.limits, lambda: (self.now - NOW).total_seconds(), self._sleep
        )
        parts = Parts(
            self.ledger,
            self.attempts,
            self.clock,
            Timing(SEND_TIMEOUT, SKEW),
            {
                Platform.WHATSAPP: WhenUncertain(UNCERTAIN_AFTER, send_again=True),
                Platform.TELEGRAM: WhenUncertain(timedelta(0), send_again=self._telegram_resends),
            },
            self.throttle,
            self.stopped,
        )
        sending = Sending(
            documents=self.documents,
            ledger=self.ledger,
            parts=parts,
            recording=self.recording,
            statuses=self.statuses,
            channels=CHANNELS,
            senders=self.platforms,
            publish=self._publish,
            clock=self.clock,
        )
        self.attention = Attention(self.platforms, self.documents, self.clock, typing=True)
        self.handlers = Handlers(
            sending,
            self.recording,
            self.statuses,
            self.documents,
            self.throttle,
            self.attention,
            self.clock,
        )

    def clock(self) -> datetime:
        return self.now

    async def take(self, *events: Event, offset: int = 0, at: datetime = NOW) -> None:
        """Handle the events as records of their topics, with offsets that rise."""
        for number, event in enumerate(events):
            await self._handle(record(event, offset + number, at))

    async def _handle(self, one: Record) -> None:
        """Hand the record over, and again after each wait for a result, as lanes does."""
        while True:
            try:
                return await self.handlers.handle(one)
            except LookAgain as pending:
                self.waited.append(pending.wait)
                self.now += pending.wait
                if self.meanwhile is not None:
                    await self.meanwhile()

    async def row(self, name: Name, row_id: object) -> dict[str, object]:
        found = await self.documents.read(name, str(row_id))
        assert found is not None, f"no {row_id} in {name}"
        return dict(found)

    async def conversation(self, reply_to: ReplyTo = WHATSAPP) -> dict[str, object]:
        return await self.row(Name.CONVERSATIONS, conversation_of(reply_to))

    async def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds) + timedelta.resolution  # never short of it

    async def _publish(self, event: AnswerDelivered | AnswerNotDelivered) -> None:
        if self.publish_fails:
            raise self.publish_fails.pop(0)
        self.published.append(event)
