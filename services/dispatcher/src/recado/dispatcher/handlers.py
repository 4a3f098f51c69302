"""Records to work: which event goes where, and what each error means for the record.

Unknown event types are skipped and counted. MongoDB or Kafka away, or an integration whose token is
broken: the record waits, and nothing is lost. A platform that wants a pause gets it. Whatever waits
holds no slot.
"""

from datetime import timedelta
from typing import Final

import structlog

from recado.dispatcher.attending import Attention
from recado.dispatcher.errors import (
    IntegrationStopped,
    InvalidDocument,
    NotItsTurn,
    ResultPending,
    SendLater,
    StoreUnavailable,
)
from recado.dispatcher.forgetting import forget
from recado.dispatcher.moves import record_change
from recado.dispatcher.outgoing import Outgoing, Position
from recado.dispatcher.ports import Clock, Documents
from recado.dispatcher.recording import Recording
from recado.dispatcher.sending import Sending
from recado.dispatcher.statuses import Statuses
from recado.dispatcher.throttling import Throttle
from recado.schemas import topics
from recado.schemas.encoding import UndecodableEvent
from recado.schemas.events import (
    AnswerGenerated,
    CustomerForgotten,
    Event,
    HandoffReleased,
    HandoffRequested,
    MessageReceived,
    OperatorReplied,
    StatusReported,
    WebhookReceived,
)
from recado.servicekit import tracing
from recado.servicekit.consuming import event_of
from recado.servicekit.kafka import NotAcknowledged
from recado_lanes import Handler, Permanent, Record, Transient, Unavailable

log = structlog.stdlib.get_logger(__name__)

READS = (topics.ANSWERS, topics.MESSAGES, topics.STATUSES, topics.WEBHOOKS)


JUST_NOW: Final = timedelta(seconds=2)
"""A platform counts messages by the second: what waited in Kafka counts no more."""


class LookAgain(Transient):
    """Nothing failed: the record is handled again after `wait`, for a result or its turn."""

    def __init__(self, pending: ResultPending | NotItsTurn) -> None:
        super().__init__(str(pending), pending.retry_after, overloaded=False, exactly=True)
        self.wait = pending.retry_after


class Handlers:
    """The handler of every topic that the dispatcher reads."""

    def __init__(
        self,
        sending: Sending,
        recording: Recording,
        statuses: Statuses,
        documents: Documents,
        throttle: Throttle,
        attention: Attention,
        clock: Clock,
    ) -> None:
        self._sending = sending
        self._recording = recording
        self._statuses = statuses
        self._documents = documents
        self._throttle = throttle
        self._attention = attention
        self._clock = clock

    def by_topic(self) -> dict[str, Handler]:
        """As lanes wants them."""
        return {topic.name: self.handle for topic in READS}

    async def handle(self, record: Record) -> None:
        """Do the work of one record. Raises lanes' errors only, or a bug's."""
        try:
            event = event_of(record)
            if event is None:
                return
            parent = tracing.traceparent_of(record.headers)
            with tracing.span(f"dispatcher {event.type}", parent=parent):
                pending = await self._until_pending(event, _position(record))
        except (UndecodableEvent, InvalidDocument) as error:
            raise Permanent(str(error)) from error
        except (StoreUnavailable, NotAcknowledged) as error:
            raise Unavailable(str(error)) from error
        except IntegrationStopped as error:
            # One broken token holds up the conversations of its answers, nothing else.
            raise Unavailable(str(error), only_key=True) from error
        except SendLater as error:
            raise Transient(str(error), error.retry_after) from error
        if pending is not None:
            raise LookAgain(pending)

    async def _until_pending(
        self, event: Event, position: Position
    ) -> ResultPending | NotItsTurn | None:
        """Work until it is done, or there is only to wait. That is no error in a trace."""
        try:
            await self._work(event, position)
        except (ResultPending, NotItsTurn) as pending:
            return pending
        return None

    async def _work(self, event: Event, position: Position) -> None:
        match event:
            case AnswerGenerated() | OperatorReplied():
                self._attention.ended(event.conversation)
                await self._sending.deliver(Outgoing(event, position))
            case MessageReceived():
                if self._clock() - event.occurred_at < JUST_NOW:
                    self._throttle.received(event.reply_to)
                self._attention.received(event, position.partition)
                await self._recording.message(event, position)
                await record_change(self._documents, event)
            case CustomerForgotten():
                self._attention.ended(event.conversation)
                await forget(self._documents, event, position)
                log.info("customer.forgotten", event_id=str(event.id))
            case StatusReported():
                await self._statuses.report(event)
            case WebhookReceived():
                await self._recording.webhook(event, position)
            case HandoffRequested() | HandoffReleased():
                await self._recording.handoff(event, position)
            case _:
                raise Permanent(f"{event.type} does not belong on {position.topic}")


def _position(record: Record) -> Position:
    return Position(record.topic, record.partition, record.offset, record.timestamp)
