"""One answer, from its event to its outcome.

1. The ledger fixes its text and parts, or shows what was done already. A part whose result may
   still become known is looked at first: if it needs nothing but time, this look is all.
2. Reasons not to send are looked at, once, before anything of it goes out: no such integration, a
   person in charge, the deadline, another answer to the same messages.
3. The parts are sent in order; the first that can't be sent ends the answer.
4. The outcome is closed in the ledger, written to the story, and published. Only then is the
   event done; whoever gets it again finds the outcome and publishes it again.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog

from recado.channels.contract import Channel, Limits, Sender
from recado.dispatcher.coverage import cover
from recado.dispatcher.delivery import Delivery
from recado.dispatcher.documents import milliseconds
from recado.dispatcher.ledger import Ledger
from recado.dispatcher.outcomes import outcome_event, record_outcome
from recado.dispatcher.outgoing import Outgoing
from recado.dispatcher.parts import Parts
from recado.dispatcher.ports import Clock, Documents
from recado.dispatcher.recording import Recording
from recado.dispatcher.statuses import Statuses
from recado.schemas.conversations import ReplyTo
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered
from recado.schemas.webhooks import PlatformError
from recado.servicekit import metrics

log = structlog.stdlib.get_logger(__name__)

Publish = Callable[[AnswerDelivered | AnswerNotDelivered], Awaitable[None]]
"""Returns when Kafka has acknowledged the event."""


class Senders(Protocol):
    """The configured integrations, ready to send."""

    def sender(self, reply_to: ReplyTo) -> Sender | None:
        """The sender of this address; None where the integration is not there, or disabled.

        It is asked for again at each try, so that an answer that waits goes on with what is
        configured then.
        """
        ...

    def limits(self, reply_to: ReplyTo) -> Limits:
        """How fast it may be sent to this address, as configured now."""
        ...


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

    async def deliver(self, answer: Outgoing) -> None:
        """Send the answer, or find that it was sent or is not to be; publish what became of it.

        Raises `SendLater`, `IntegrationStopped`, `StoreUnavailable`, or what `publish` raises: then
        the whole is to be done again, and nothing is sent twice for it.
        """
        self._parts.until_its_turn(answer)
        channel = self._channels[answer.reply_to.platform]
        delivery = await self._ledger.open(answer, channel.format(answer.text))
        if delivery.outcome is None:
            self._parts.look(answer, delivery)
        handed_off = await self._recording.answer(answer, delivery.text)
        if _driven_again(answer, delivery):
            delivery = await self._ledger.reopen(delivery) or await self._ledger.read(delivery.id)
        if delivery.outcome is None:
            delivery = await self._to_outcome(answer, delivery, handed_off=handed_off)
            self._count(answer, delivery)
        await record_outcome(self._documents, self._statuses, answer, delivery)
        await self._publish(outcome_event(answer, delivery))

    async def _to_outcome(
        self, answer: Outgoing, delivery: Delivery, *, handed_off: bool
    ) -> Delivery:
        sender = self._senders.sender(answer.reply_to)
        if sender is None and not delivery.begun:
            return await self._close(answer, delivery, NotDeliveredReason.UNKNOWN_INTEGRATION)
        if not delivery.parts:
            error = PlatformError(code="empty", title="the answer has no text")
            return await self._close(answer, delivery, NotDeliveredReason.REFUSED, error)
        if not delivery.begun:
            reason = await self._reason_not_to(answer, handed_off=handed_off)
            if reason is not None:
                return await self._close(answer, delivery, reason)
        for number in range(len(delivery.parts)):
            delivery, reason = await self._parts.finish(answer, delivery, number, sender)
            if reason is not None:
                return await self._close(answer, delivery, reason, delivery.parts[number].error)
        return await self._close(answer, delivery)

    async def _reason_not_to(
        self, answer: Outgoing, *, handed_off: bool
    ) -> NotDeliveredReason | None:
        if handed_off and not answer.by_operator:
            return NotDeliveredReason.HANDOFF
        if self._clock() >= answer.deadline:
            return NotDeliveredReason.EXPIRED
        covered = await cover(self._documents, answer)
        if covered.superseded:
            return NotDeliveredReason.SUPERSEDED
        if covered.overlapping:
            metrics.ANSWERS_OVERLAPPING.inc()
            log.warning("answer.overlaps", answer_id=str(answer.id), by_others=covered.by_others)
        return None

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
