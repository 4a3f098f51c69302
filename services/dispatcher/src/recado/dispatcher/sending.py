"""One answer, from its event to its outcome.

1. Reasons not to send are looked at before anything of it goes out: no such integration, a person
   in charge, a customer who wants none, the deadline, another answer to the same messages, a window
   that is closed (`window`).
2. The ledger fixes its text and parts, and the first part is claimed in the same step. Where an
   entry is there already, or something is in the way, it shows what was done; a part whose result
   may still become known is looked at first: if it needs nothing but time, this look is all.
3. The parts are sent in order; the first that can't be sent ends the answer.
4. The outcome is closed in the ledger (with the last part, if that was sent), written to the story,
   and published. Only then is the event done; whoever gets it again finds the outcome and publishes
   it again.

An answer that has to wait has its row written first; from then on the ledger is looked at before
anything else, so that a look is one request.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

import structlog

from recado.channels.contract import Channel, Part, Sender
from recado.dispatcher import window
from recado.dispatcher.delivery import Delivery
from recado.dispatcher.documents import milliseconds
from recado.dispatcher.errors import IntegrationStopped, SendLater
from recado.dispatcher.forgotten import erase_answer, forgotten_at
from recado.dispatcher.ledger import Ledger
from recado.dispatcher.outcomes import outcome_event, record_outcome
from recado.dispatcher.outgoing import Outgoing
from recado.dispatcher.parts import Parts
from recado.dispatcher.ports import Clock, Document, Documents, Senders
from recado.dispatcher.reasons import reason_not_to
from recado.dispatcher.recording import Recording
from recado.dispatcher.statuses import Statuses
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered
from recado.schemas.webhooks import PlatformError
from recado.servicekit import metrics

log = structlog.stdlib.get_logger(__name__)

Publish = Callable[[AnswerDelivered | AnswerNotDelivered], Awaitable[None]]
"""Returns when Kafka has acknowledged the event."""


MOST_WAITING: Final = 100_000
"""Answers whose waiting is remembered. Of any beyond, a look costs some requests more."""


class Sending:
    """Brings answers to their outcome."""

    def __init__(
        self,
        *,
        documents: Documents,
        ledger: Ledger,
        parts: Parts,
        recording: Recording,
        statuses: Statuses,
        channels: Mapping[str, Channel],
        senders: Senders,
        publish: Publish,
        clock: Clock,
    ) -> None:
        self._documents = documents
        self._ledger = ledger
        self._parts = parts
        self._recording = recording
        self._statuses = statuses
        self._channels = channels
        self._senders = senders
        self._publish = publish
        self._clock = clock
        self._waiting: dict[UUID, None] = {}

    async def deliver(self, answer: Outgoing) -> None:
        """Send the answer, or find that it was sent or is not to be; publish what became of it.

        Raises `SendLater`, `IntegrationStopped`, `StoreUnavailable`, or what `publish` raises: then
        the whole is to be done again, and nothing is sent twice for it.
        """
        self._parts.until_its_turn(answer)
        waited = answer.id in self._waiting
        try:
            delivery = await self._ended(answer, waited=waited)
        except (SendLater, IntegrationStopped):
            if not waited:
                await self._waits(answer)
            raise
        forgotten = delivery.forgotten_at
        if forgotten is None:
            channel = self._channels[answer.reply_to.platform]
            forgotten = await record_outcome(
                self._documents, self._statuses, answer, delivery, reported=channel.reports_delivery
            )
        if forgotten is not None:
            await erase_answer(self._documents, answer, forgotten)
            log.info("answer.forgotten", answer_id=delivery.id)
        else:
            await self._publish(outcome_event(answer, delivery))
        self._waiting.pop(answer.id, None)

    async def _ended(self, answer: Outgoing, *, waited: bool) -> Delivery:
        """The answer's entry, with its outcome."""
        content = self._channels[answer.reply_to.platform].format(answer.text)
        delivery = None if waited else await self._begun(answer, content)
        begun = delivery is not None
        if delivery is None:
            delivery = await self._ledger.open(answer, content)
        if delivery.forgotten_at is not None:
            return delivery
        if delivery.outcome is None:
            self._parts.look(answer, delivery)
        if _driven_again(answer, delivery):
            delivery = await self._ledger.reopen(delivery) or await self._ledger.read(delivery.id)
        if delivery.outcome is None:
            delivery = await self._to_outcome(answer, delivery)
        elif not begun:
            return delivery
        self._count(answer, delivery)
        return delivery

    async def _begun(self, answer: Outgoing, content: Sequence[Part]) -> Delivery | None:
        """The entry after the first part's request; None where that is not to be made at once."""
        sender = self._senders.sender(answer.reply_to)
        if sender is None or not content or self._clock() >= answer.deadline:
            return None
        if answer.by_operator and await forgotten_at(self._documents, answer):
            return None
        reason, conversation = await self._reason_not_to(answer)
        instead = self._outside_window(answer, conversation, answer.text)
        if reason is not None or instead == ():
            return None
        return await self._parts.begin(answer, instead or content, sender)

    async def _waits(self, answer: Outgoing) -> None:
        """Show the answer in the story, if the ledger has fixed its text."""
        delivery = await self._ledger.find(str(answer.id))
        if delivery is None or delivery.forgotten_at is not None:
            return
        await self._recording.waits(answer, delivery)
        while len(self._waiting) >= MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[answer.id] = None

    async def _to_outcome(self, answer: Outgoing, delivery: Delivery) -> Delivery:
        sender = self._senders.sender(answer.reply_to)
        if not delivery.begun:
            ends = await self._before_it_begins(answer, delivery, sender)
            if ends.forgotten_at is not None or ends.outcome is not None:
                return ends
            delivery = ends
        for number in range(len(delivery.parts)):
            delivery, reason = await self._parts.finish(answer, delivery, number, sender)
            if delivery.forgotten_at is not None:
                return delivery
            if reason is not None:
                return await self._close(answer, delivery, reason, delivery.parts[number].error)
        if delivery.outcome is not None:
            return delivery
        if delivery.only_invites:
            return await self._close(
                answer, delivery, NotDeliveredReason.WINDOW_CLOSED, window.CLOSED
            )
        return await self._close(answer, delivery)

    async def _before_it_begins(
        self, answer: Outgoing, delivery: Delivery, sender: Sender | None
    ) -> Delivery:
        """The entry as it is to be sent, or closed because it is not, or of somebody forgotten."""
        reason: NotDeliveredReason | None = None
        error: PlatformError | None = None
        instead: tuple[Part, ...] | None = None
        if sender is None:
            reason = NotDeliveredReason.UNKNOWN_INTEGRATION
        elif not delivery.parts:
            reason = NotDeliveredReason.REFUSED
            error = PlatformError(code="empty", title="the answer has no text")
        else:
            reason, conversation = await self._reason_not_to(answer)
            if reason is None:
                instead = self._outside_window(answer, conversation, delivery.text)
                if instead == ():
                    reason, error = NotDeliveredReason.WINDOW_CLOSED, window.CLOSED
        if reason is not None or answer.by_operator:
            forgotten = await forgotten_at(self._documents, answer)
            if forgotten is not None:
                return delivery.model_copy(update={"forgotten_at": forgotten})
        if reason is not None:
            return await self._close(answer, delivery, reason, error)
        return await self._refitted(answer, delivery, instead)

    def _outside_window(
        self, answer: Outgoing, conversation: Document | None, text: str
    ) -> tuple[Part, ...] | None:
        integration = self._senders.integration(answer.reply_to)
        return window.outside_window(answer, conversation, integration, text, self._clock())

    async def _refitted(
        self, answer: Outgoing, delivery: Delivery, instead: tuple[Part, ...] | None
    ) -> Delivery:
        """The entry with the parts that the platform takes now."""
        content = instead or self._channels[answer.reply_to.platform].format(delivery.text)
        if not window.differ(delivery, content):
            return delivery
        refitted = await self._ledger.refit(delivery, content)
        return refitted or await self._ledger.read(delivery.id)

    async def _reason_not_to(
        self, answer: Outgoing
    ) -> tuple[NotDeliveredReason | None, Document | None]:
        expired = self._clock() >= answer.deadline
        return await reason_not_to(self._documents, answer, expired=expired)

    async def _close(
        self,
        answer: Outgoing,
        delivery: Delivery,
        reason: NotDeliveredReason | None = None,
        error: PlatformError | None = None,
    ) -> Delivery:
        closed = await self._ledger.close(delivery, answer, reason, error)
        return closed or await self._ledger.read(delivery.id)

    def _count(self, answer: Outgoing, delivery: Delivery) -> None:
        outcome = delivery.outcome
        if outcome is None:
            return
        if outcome.reason is not None:
            metrics.ANSWERS_NOT_DELIVERED.labels(outcome.reason.value).inc()
            log.info("answer.not_delivered", answer_id=delivery.id, reason=outcome.reason.value)
            return
        if answer.received_at is not None:
            took = (outcome.at - answer.received_at).total_seconds()
            metrics.WEBHOOK_TO_SENT_SECONDS.labels(answer.reply_to.platform).observe(took)
        log.info("answer.delivered", answer_id=delivery.id, parts=len(delivery.parts))


def _driven_again(answer: Outgoing, delivery: Delivery) -> bool:
    """Not delivered before, and now there is more time: somebody wants it tried again."""
    outcome = delivery.outcome
    return (
        outcome is not None
        and outcome.reason is not None
        and milliseconds(answer.deadline) > outcome.deadline
    )
