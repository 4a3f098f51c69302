"""The records that wait for one conversation: at most one answer, in Kafka before they are done.

Three quick messages get one answer. `lanes` hands over what waits for a conversation (a `Batch`);
a command stands alone, so that it takes effect at its place, and so does a record that can't be
read, so that only it becomes a dead letter. What is covered already, is too old, was taken back or
wants no answer is left out, and what is left gets one answer (`gathering`, `answering`).

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
- Where the partition was another process's in between, what was read back decides: an answer that
  is not acknowledged is given up if any of its messages is covered now. It is in Kafka, or the
  other process answered in its place, and what that left gets a new one.
- A process that lost the partition and does not know it yet may publish an answer to some of the
  messages that its successor answers too. The dispatcher marks each message with the first answer
  that is about to be sent; an answer whose messages all have another is dropped.
"""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias
from uuid import UUID

import structlog
from aiokafka.errors import MessageSizeTooLargeError

from recado.rag.answering import Answering, Clock, now
from recado.rag.commands import command_in
from recado.rag.coverage import Coverage, PartitionCoverage
from recado.rag.errors import OptedOut
from recado.rag.gathering import gather, taken_back
from recado.rag.understanding import wants_answer
from recado.schemas.encoding import UndecodableEvent
from recado.schemas.events import AnswerGenerated, CustomerForgotten, Event, MessageReceived
from recado.servicekit import metrics, tracing
from recado.servicekit.consuming import event_of
from recado.servicekit.kafka import NotAcknowledged
from recado_lanes import Permanent, Record, Unavailable

MAX_UNPUBLISHED = 1000
MAX_READ_AHEAD = 2000

_Place: TypeAlias = tuple[int, int, datetime]
"""Partition, offset, time: also of two topics of one name, one after the other, no two are one."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Made:
    """An answer, and its messages as they were read."""

    answer: AnswerGenerated
    messages: Sequence[MessageReceived]


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
        self._unpublished: OrderedDict[UUID, _Made] = OrderedDict()
        self._read_ahead: OrderedDict[_Place, Event | None] = OrderedDict()

    def alone(self, record: Record) -> bool:
        """Whether a record is a command or can't be read. Never raises."""
        try:
            event = self._peek(record)
        except UndecodableEvent:
            return True
        if isinstance(event, CustomerForgotten):
            return True
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
        for _, event in events:
            if isinstance(event, CustomerForgotten):
                coverage.forget(event.conversation)
        published = await self._publish_again(messages, coverage)
        gone = taken_back(messages)
        wanted = [
            message
            for message in gather(messages)
            if message.id not in published and self._is_wanted(message, coverage, gone)
        ]
        if not wanted:
            return
        parent, *others = [tracing.traceparent_of(record.headers) for record, _ in events]
        with tracing.span("rag.answer", parent=parent, links=filter(None, others)):
            exchanges = coverage.exchanges(wanted[-1].conversation)
            try:
                answer = await self._answering.answer(wanted, exchanges)
            except OptedOut:
                for message in wanted:
                    _skipped(message, "opted_out")
                return
            made = _Made(answer, wanted)
            self._keep(made)
            await self._publish(made, coverage)

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

    def _is_wanted(
        self, message: MessageReceived, coverage: PartitionCoverage, gone: Collection[UUID]
    ) -> bool:
        if not wants_answer(message):
            reason = "no_answer_wanted"
        elif coverage.covers(message.id):
            reason = "covered"
        elif message.id in gone:
            reason = "taken_back"
        elif self._clock() - message.occurred_at > self._max_age:
            reason = "too_old"
        else:
            return True
        _skipped(message, reason)
        return False

    async def _publish_again(
        self, messages: Sequence[MessageReceived], coverage: PartitionCoverage
    ) -> frozenset[UUID]:
        """Publish what was made for these messages and not acknowledged; which it covers."""
        again: dict[UUID, _Made] = {}
        for message in messages:
            made = self._unpublished.get(message.id)
            if made is None:
                continue
            if any(map(coverage.covers, made.answer.message_ids)):
                self._forget(made.answer)
            # One past its deadline would not be sent: Kafka was away for too long.
            elif self._clock() < made.answer.deadline:
                again[made.answer.id] = made
        for made in again.values():
            await self._publish(made, coverage)
        return frozenset(one for made in again.values() for one in made.answer.message_ids)

    def _keep(self, made: _Made) -> None:
        for message_id in made.answer.message_ids:
            self._unpublished[message_id] = made
        while len(self._unpublished) > MAX_UNPUBLISHED:
            self._unpublished.popitem(last=False)

    async def _publish(self, made: _Made, coverage: PartitionCoverage) -> None:
        answer = made.answer
        try:
            await self._publisher.publish(answer)
        except NotAcknowledged as error:
            if isinstance(error.__cause__, MessageSizeTooLargeError):
                self._forget(answer)
                raise Permanent("the answer is too large for its topic") from error
            raise Unavailable(str(error)) from error
        self._forget(answer)
        coverage.add(answer, made.messages)
        metrics.ANSWERS.labels(answer.rung.value).inc()
        metrics.MESSAGES_PER_ANSWER.observe(len(answer.message_ids))
        log.info(
            "rag.answered",
            answer_id=str(answer.id),
            rung=answer.rung.value,
            messages=len(answer.message_ids),
            took=answer.timings.total.total_seconds(),
            reason=answer.error,
        )

    def _forget(self, answer: AnswerGenerated) -> None:
        for message_id in answer.message_ids:
            self._unpublished.pop(message_id, None)


def _skipped(message: MessageReceived, reason: str) -> None:
    metrics.MESSAGES_SKIPPED.labels(reason).inc()
    log.info("rag.skipped", reason=reason, message_id=str(message.id))


def _place(record: Record) -> _Place:
    return record.partition, record.offset, record.timestamp
