"""Events to documents once more: what the dispatcher recorded, without what it sent.

Records are taken one after the other, a partition's in the order of what happened. An answer waits
here for its outcome; with it comes all that is written of it. One without an outcome is not
written: the dispatcher may still have to send it. A record that makes no valid document is left out
and told, as it was when the dispatcher made a dead letter of it.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from recado.channels.contract import Channel
from recado.dispatcher.coverage import cover
from recado.dispatcher.delivery import PartState
from recado.dispatcher.errors import DispatcherError, InvalidDocument
from recado.dispatcher.forgetting import forget
from recado.dispatcher.forgotten import forgotten_at
from recado.dispatcher.ledger import Ledger
from recado.dispatcher.moves import record_change
from recado.dispatcher.outcomes import record_outcome
from recado.dispatcher.outgoing import Outgoing, Position
from recado.dispatcher.ports import Clock, Documents
from recado.dispatcher.rebuild.endings import OutcomeEvent, ended, told_again
from recado.dispatcher.recording import Recording
from recado.dispatcher.statuses import Statuses
from recado.schemas.encoding import UndecodableEvent
from recado.schemas.events import (
    AnswerDelivered,
    AnswerGenerated,
    AnswerNotDelivered,
    CustomerForgotten,
    Event,
    HandoffReleased,
    HandoffRequested,
    MessageReceived,
    OperatorReplied,
    StatusReported,
    WebhookReceived,
)
from recado.servicekit.consuming import event_of
from recado_lanes import Record


class CannotBeWritten(DispatcherError):
    """A record that our own code fails at. What is in it is not said."""

    def __init__(self, record: Record, error: Exception) -> None:
        super().__init__(f"{_named(record)} can't be written: {type(error).__name__}")


class Rebuilding:
    """Writes what records tell. Raises `StoreUnavailable` and `CannotBeWritten`."""

    def __init__(
        self,
        documents: Documents,
        channels: Mapping[str, Channel],
        clock: Clock,
        *,
        webhooks_kept: timedelta,
        closes_after: timedelta,
        ledger_kept: timedelta,
    ) -> None:
        self._documents = documents
        self._channels = channels
        self._ledger = Ledger(documents, clock, owner="rebuild", kept=ledger_kept)
        self._recording = Recording(
            documents, webhooks_kept=webhooks_kept, closes_after=closes_after
        )
        self._statuses = Statuses(documents, clock, kept=ledger_kept)
        self._waiting: dict[UUID, Outgoing] = {}
        self.taken: Counter[str] = Counter()
        """Events by type; `unreadable` are records that hold none."""
        self.refused: list[str] = []
        """The places of records whose documents MongoDB refused."""
        self.without_answer = 0
        """Outcomes whose answer is not in the topic any more, or that were told twice."""

    @property
    def without_outcome(self) -> int:
        """Answers whose outcome has not come."""
        return len(self._waiting)

    async def take(self, record: Record) -> None:
        """Write what the record tells."""
        try:
            event = event_of(record)
        except UndecodableEvent:
            event = None
        if event is None:
            self.taken["unreadable"] += 1
            return
        self.taken[event.type] += 1
        position = Position(record.topic, record.partition, record.offset, record.timestamp)
        try:
            await self._work(event, position)
        except InvalidDocument:
            self.refused.append(_named(record))
        except DispatcherError:
            raise
        except Exception as error:
            raise CannotBeWritten(record, error) from error

    async def _work(self, event: Event, position: Position) -> None:
        match event:
            case AnswerGenerated() | OperatorReplied():
                self._waiting.setdefault(event.id, Outgoing(event, position))
            case AnswerDelivered() | AnswerNotDelivered():
                await self._end(event)
            case MessageReceived():
                await self._recording.message(event, position)
                await record_change(self._documents, event)
            case CustomerForgotten():
                await forget(self._documents, event, position)
                if event.whole:
                    self._waiting = {
                        answer_id: answer
                        for answer_id, answer in self._waiting.items()
                        if answer.conversation != event.conversation
                    }
            case StatusReported():
                await self._statuses.report(event)
            case WebhookReceived():
                await self._recording.webhook(event, position)
            case HandoffRequested() | HandoffReleased():
                await self._recording.handoff(event, position)

    async def _end(self, event: OutcomeEvent) -> None:
        answer = self._waiting.pop(event.answer_id, None)
        channel = None if answer is None else self._channels.get(answer.reply_to.platform)
        if answer is None or channel is None:
            self.without_answer += 1
            return
        if await forgotten_at(self._documents, answer) is not None:
            return
        before = await self._ledger.find(str(event.answer_id))
        if before is not None and told_again(before, event):
            delivery = before
        else:
            delivery = ended(answer, event, channel.format(answer.text), before)
            await self._ledger.restore(answer, delivery)
        if any(
            part.state in (PartState.SENT, PartState.UNCERTAIN) and not part.has_invited
            for part in delivery.parts
        ):
            await cover(self._documents, answer)
        await record_outcome(
            self._documents, self._statuses, answer, delivery, reported=channel.reports_delivery
        )


def _named(record: Record) -> str:
    return f"{record.topic} {record.partition}/{record.offset}"
