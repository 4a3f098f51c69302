"""The records that wait for one conversation: at most one answer, in Kafka before they are done.

Three quick messages get one answer. `lanes` hands over what waits for a conversation (a `Batch`);
a command stands alone, so that it takes effect at its place, and so does a record that can't be
read, so that only it becomes a dead letter. What is covered already, is too old or wants no answer
is left out, and what is left gets one answer (`gathering`, `answering`).

Delivery: the records count as handled only after Kafka acknowledged the answer; otherwise lanes
hands them over again. An answer that is made and not acknowledged is kept for that, so a broker
that is away costs no second call of the model.

Every message is covered by one answer, however the batches are cut:

- A crash before the answer is in Kafka leaves nothing behind. Whoever has the partition next may
  cut the batch otherwise; what was never written covers nothing.
- A crash after it, before the commit: the answer is read back before the partition's first record
  (`restoring`), and its messages are covered, whatever batch they are in.
- An answer without acknowledgement may be in Kafka all the same. So it is published again as it
  was, for its own messages, before anything new is made: the same id is sent once. A message that
  joined the batch meanwhile gets an answer of its own.
- A process that lost the partition and does not know it yet may publish an answer to some of the
  messages that its successor answers too. The dispatcher marks each message with the first answer
  that is about to be sent; an answer whose messages all have another is dropped.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias
from uuid import UUID

import structlog
from aiokafka.errors import MessageSizeTooLargeError

from recado.rag.answering import Answering, Clock, now
from recado.rag.commands import command_in
from recado.rag.coverage import Coverage, PartitionCoverage
from recado.rag.gathering import gather
from recado.rag.understanding import wants_answer
from recado.schemas.encoding import UndecodableEvent
from recado.schemas.events import AnswerGenerated, Event, MessageReceived
from recado.servicekit import metrics, tracing
from recado.servicekit.consuming import event_of
from recado.servicekit.kafka import NotAcknowledged
from recado_lanes import Permanent, Record, Unavailable

MAX_UNPUBLISHED = 1000
MAX_READ_AHEAD = 2000

_Place: TypeAlias = tuple[int, int, datetime]
"""Partition, offset, time: also of two topics of one name, one after the other, no two are one."""

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
        self._read_ahead: OrderedDict[_Place, Event | None] = OrderedDict()

    def alone(self, record: Record) -> bool:
        """Whether a record is a command. Raises for what can't be read."""
        event = self._peek(record)
        return isinstance(event, MessageReceived) and command_in(event.text or "") is not None

    async def __call__(self, records: Sequence[Record]) -> None:
        """Answer the messages in the records of one conversation that want an answer and have none.

        Raises `Permanent` for what can't be read, `Unavailable` while Kafka takes no answer.
        """
        try:
            events = [(record, self._take(record)) for record in records]
        except UndecodableEvent as error:
            raise Permanent(str(error)) from error
        messages = [event for _, event in events if isinstance(event, MessageReceived)]
        coverage = self._coverage.of(records[0].partition)
        published = await self._publish_again(messages, coverage)
        wanted = [
            message
            for message in gather(messages)
            if message.id not in published and self._is_wanted(message, coverage)
        ]
        if not wanted:
            return
        parent, *others = [tracing.traceparent_of(record.headers) for record, _ in events]
        with tracing.span("rag.answer", parent=parent, links=filter(None, others)):
            exchanges = coverage.exchanges(wanted[-1].conversation)
            answer = await self._answering.answer(wanted, exchanges)
            self._keep(answer)
            await self._publish(answer, wanted, coverage)

    def _peek(self, record: Record) -> Event | None:
        """The event in a record that is handled later; it is not decoded a second time."""
        place = _place(record)
        if place not in self._read_ahead:
            self._read_ahead[place] = event_of(record)
            if len(self._read_ahead) > MAX_READ_AHEAD:
                self._read_ahead.popitem(last=False)
        return self._read_ahead[place]

    def _take(self, record: Record) -> Event | None:
        place = _place(record)
        return self._read_ahead.pop(place) if place in self._read_ahead else event_of(record)

    def _is_wanted(self, message: MessageReceived, coverage: PartitionCoverage) -> bool:
        if not wants_answer(message):
            reason = "no_answer_wanted"
        elif coverage.covers(message.id):
            reason = "covered"
        elif self._clock() - message.occurred_at > self._max_age:
            reason = "too_old"
        else:
            return True
        metrics.MESSAGES_SKIPPED.labels(reason).inc()
        log.info("rag.skipped", reason=reason, message_id=str(message.id))
        return False

    async def _publish_again(
        self, messages: Sequence[MessageReceived], coverage: PartitionCoverage
    ) -> frozenset[UUID]:
        """Publish what was made for these messages and not acknowledged; which it covers."""
        made: dict[UUID, AnswerGenerated] = {}
        for message in messages:
            answer = self._unpublished.get(message.id)
            # One past its deadline would not be sent: Kafka was away for too long.
            if answer is not None and self._clock() < answer.deadline:
                made[answer.id] = answer
        for answer in made.values():
            await self._publish(answer, messages, coverage)
        return frozenset(covered for answer in made.values() for covered in answer.message_ids)

    def _keep(self, answer: AnswerGenerated) -> None:
        for message_id in answer.message_ids:
            self._unpublished[message_id] = answer
        while len(self._unpublished) > MAX_UNPUBLISHED:
            self._unpublished.popitem(last=False)

    async def _publish(
        self,
        answer: AnswerGenerated,
        messages: Sequence[MessageReceived],
        coverage: PartitionCoverage,
    ) -> None:
        try:
            await self._publisher.publish(answer)
        except NotAcknowledged as error:
            if isinstance(error.__cause__, MessageSizeTooLargeError):
                self._forget(answer)
                raise Permanent("the answer is too large for its topic") from error
            raise Unavailable(str(error)) from error
        self._forget(answer)
        answered = frozenset(answer.message_ids)
        coverage.add(answer, [message for message in messages if message.id in answered])
        metrics.ANSWERS.labels(answer.rung.value).inc()
        metrics.MESSAGES_PER_ANSWER.observe(len(answered))
        log.info(
            "rag.answered",
            answer_id=str(answer.id),
            rung=answer.rung.value,
            messages=len(answered),
            took=answer.timings.total.total_seconds(),
            reason=answer.error,
        )

    def _forget(self, answer: AnswerGenerated) -> None:
        for message_id in answer.message_ids:
            self._unpublished.pop(message_id, None)


def _place(record: Record) -> _Place:
    return record.partition, record.offset, record.timestamp
