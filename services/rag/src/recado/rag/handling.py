"""One record of the messages topic: at most one answer, in Kafka before the record is done.

Delivery: the record counts as handled only after Kafka acknowledged the answer; otherwise lanes
hands it over again. An answer that is generated and not acknowledged is kept for that, so a broker
that is away costs no second call of the model.
"""

from collections import OrderedDict
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog
from aiokafka.errors import MessageSizeTooLargeError

from recado.rag.answering import Answering, Clock, now
from recado.rag.coverage import Coverage, PartitionCoverage
from recado.rag.understanding import wants_answer
from recado.schemas.encoding import UndecodableEvent
from recado.schemas.events import AnswerGenerated, Event, MessageReceived
from recado.servicekit import metrics, tracing
from recado.servicekit.consuming import event_of
from recado.servicekit.kafka import NotAcknowledged
from recado_lanes import Permanent, Record, Unavailable

MAX_UNPUBLISHED = 1000

log = structlog.stdlib.get_logger(__name__)


class Publishes(Protocol):
    """Writes events: `recado.servicekit.publishing.LastingPublisher`."""

    async def publish(self, *events: Event) -> None:
        """Return when all are acknowledged; raise `NotAcknowledged`."""
        ...


class MessageHandler:
    """The handler of the messages topic."""

    def __init__(
        self,
        answering: Answering,
        publisher: Publishes,
        coverage: Coverage,
        *,
        max_age: timedelta,
        clock: Clock = now,
    ) -> None:
        self._answering = answering
        self._publisher = publisher
        self._coverage = coverage
        self._max_age = max_age
        self._clock = clock
        self._unpublished: OrderedDict[UUID, AnswerGenerated] = OrderedDict()

    async def __call__(self, record: Record) -> None:
        """Answer the message in a record, if it wants an answer and has none.

        Raises `Permanent` for what can't be read, `Unavailable` while Kafka takes no answer.
        """
        try:
            event = event_of(record)
        except UndecodableEvent as error:
            raise Permanent(str(error)) from error
        if not isinstance(event, MessageReceived):
            return
        coverage = self._coverage.of(record.partition)
        reason = self._skipped(event, coverage)
        if reason is not None:
            metrics.MESSAGES_SKIPPED.labels(reason).inc()
            log.info("rag.skipped", reason=reason, message_id=str(event.id))
            return
        parent = tracing.traceparent_of(record.headers)
        with tracing.span("rag.answer", parent=parent):
            answer = await self._answer(event, coverage)
            await self._publish(answer)
        coverage.add(answer, (event,))
        metrics.ANSWERS.labels(answer.rung.value).inc()
        log.info(
            "rag.answered",
            answer_id=str(answer.id),
            rung=answer.rung.value,
            took=answer.timings.total.total_seconds(),
            reason=answer.error,
        )

    def _skipped(self, message: MessageReceived, coverage: PartitionCoverage) -> str | None:
        if not wants_answer(message):
            return "no_answer_wanted"
        if coverage.covers(message.id):
            return "covered"
        if self._clock() - message.occurred_at > self._max_age:
            return "too_old"
        return None

    async def _answer(
        self, message: MessageReceived, coverage: PartitionCoverage
    ) -> AnswerGenerated:
        waiting = self._unpublished.get(message.id)
        # One past its deadline would not be sent: Kafka was away for too long.
        if waiting is not None and self._clock() < waiting.deadline:
            return waiting
        exchanges = coverage.exchanges(message.conversation)
        answer = await self._answering.answer((message,), exchanges)
        self._unpublished[message.id] = answer
        while len(self._unpublished) > MAX_UNPUBLISHED:
            self._unpublished.popitem(last=False)
        return answer

    async def _publish(self, answer: AnswerGenerated) -> None:
        try:
            await self._publisher.publish(answer)
        except NotAcknowledged as error:
            if isinstance(error.__cause__, MessageSizeTooLargeError):
                raise Permanent("the answer is too large for its topic") from error
            raise Unavailable(str(error)) from error
        for message_id in answer.message_ids:
            self._unpublished.pop(message_id, None)
