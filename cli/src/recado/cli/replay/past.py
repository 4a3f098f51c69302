"""The answers that were given, the messages that they answer, and what became of them.

Three topics are read, each one time and no further than needed, without a group and a commit.
"""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from aiokafka import AIOKafkaConsumer

from recado.cli.output import CliError
from recado.cli.reading import Stretch, merged, partition_of, spans_of
from recado.cli.records import reader
from recado.rag.gathering import gather
from recado.rag.replay.cases import Case, Source, Variation
from recado.schemas.answers import AnswerGenerated, Rung
from recado.schemas.encoding import EncodingError, decode
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered, Event, MessageReceived
from recado.schemas.topics import ANSWERS, CONVERSATION_PARTITIONS, DELIVERIES, MESSAGES
from recado.schemas.webhooks import MessageKind
from recado.servicekit.settings import KafkaSettings
from recado_lanes.record import Record

MARGIN = timedelta(minutes=5)
"""How far the clocks of Kafka and of a service may be apart; their times are compared."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which answers: all that is given holds. Times are those of their records."""

    since: datetime
    until: datetime | None = None
    conversation: str | None = None
    message: UUID | None = None
    """The id of a message, or of an answer."""
    rungs: frozenset[Rung] = frozenset()
    limit: int = 200

    def takes(self, answer: AnswerGenerated) -> bool:
        """Whether this answer is one; its time is looked at where it is read."""
        return (
            (self.conversation is None or answer.conversation == self.conversation)
            and (self.message is None or self.message in (answer.id, *answer.message_ids))
            and (not self.rungs or answer.rung in self.rungs)
        )

    @property
    def stretch(self) -> Stretch:
        """What to read of a topic that is keyed by conversation."""
        partition = None
        if self.conversation is not None:
            partition = partition_of(self.conversation, CONVERSATION_PARTITIONS)
        return Stretch(since=self.since, until=self.until, partition=partition)


@dataclass(frozen=True, slots=True)
class Past:
    """Answers that can be replayed, oldest first."""

    cases: tuple[Case, ...]
    deliveries: dict[UUID, str]
    """What became of an answer, by its id; nothing is known of one that is not here."""
    left_out: int
    """Earlier ones, for there is a limit."""
    messages_gone: int
    """Answers with a message that is not in its topic any more."""


async def past_of(settings: KafkaSettings, selection: Selection) -> Past:
    """The answers that are asked for. Raises `CliError` where there is none."""
    async with reader(settings, ANSWERS.name, MESSAGES.name, DELIVERIES.name) as consumer:
        answers, found = await _answers(consumer, selection)
        if not answers:
            raise CliError("No answer was given to such a message in that time.")
        messages, edits = await _messages(consumer, selection, answers)
        deliveries = await _deliveries(consumer, selection, answers)
    cases = tuple(
        Case(messages=as_read(answer, messages, edits), answer=answer)
        for answer in answers
        if all(one in messages for one in answer.message_ids)
    )
    if not cases:
        raise CliError("The messages that were answered are not in their topic any more.")
    return Past(cases, deliveries, found - len(answers), len(answers) - len(cases))


def refuse_more_than_recorded(past: Past, variation: Variation) -> None:
    """Frozen passages can be fewer than were recorded, never more. Raises `CliError`."""
    wanted = variation.passages
    if variation.retrieval is Source.LIVE or wanted is None:
        return
    recorded = [one.answer.retrieval.n for one in past.cases if one.answer.retrieval is not None]
    short = sum(n < wanted for n in recorded)
    if short:
        raise CliError(
            f"For {short} of {len(past.cases)} answers fewer than {wanted} passages were recorded "
            f"({min(recorded)}); more are found with --retrieval live only.",
            exit_status=2,
        )


def as_read(
    answer: AnswerGenerated,
    messages: Mapping[UUID, MessageReceived],
    edits: Collection[MessageReceived],
) -> tuple[MessageReceived, ...]:
    """The answer's messages as they were read: with the edits that had come when work began.

    An event does not say which those were; their times do.
    """
    began = answer.occurred_at - answer.timings.total
    known = [
        edit
        for edit in edits
        if edit.conversation == answer.conversation and edit.occurred_at < began
    ]
    read = {one.id: one for one in gather([*(messages[one] for one in answer.message_ids), *known])}
    return tuple(read[one] for one in answer.message_ids)


async def _answers(
    consumer: AIOKafkaConsumer, selection: Selection
) -> tuple[deque[AnswerGenerated], int]:
    """The last of them, and how many there are.

    An answer that was written twice counts as it was written first: that one was sent.
    """
    last: deque[AnswerGenerated] = deque(maxlen=selection.limit)
    seen: set[UUID] = set()
    spans = await spans_of(consumer, ANSWERS.name, selection.stretch)
    async for record in merged(consumer, spans):
        if selection.until is not None and record.timestamp >= selection.until:
            continue
        event = _event(record)
        if isinstance(event, AnswerGenerated) and selection.takes(event) and event.id not in seen:
            seen.add(event.id)
            last.append(event)
    return last, len(seen)


async def _messages(
    consumer: AIOKafkaConsumer, selection: Selection, answers: Collection[AnswerGenerated]
) -> tuple[dict[UUID, MessageReceived], list[MessageReceived]]:
    """The answered messages by id, and the edits in their conversations.

    All without their raw parts, which no answer is made from.
    """
    wanted = {one for answer in answers for one in answer.message_ids}
    conversations = {answer.conversation.encode() for answer in answers}
    stretch = replace(
        selection.stretch,
        since=min(answer.received_at for answer in answers) - MARGIN,
        until=max(answer.occurred_at for answer in answers) + MARGIN,
    )
    found: dict[UUID, MessageReceived] = {}
    edits: list[MessageReceived] = []
    spans = await spans_of(consumer, MESSAGES.name, stretch)
    async for record in merged(consumer, spans):
        if record.key not in conversations:
            continue
        event = _event(record)
        if not isinstance(event, MessageReceived):
            continue
        event = event.model_copy(update={"raw": None})
        if event.id in wanted:
            found.setdefault(event.id, event)
        elif event.kind is MessageKind.EDIT:
            edits.append(event)
    return found, edits


async def _deliveries(
    consumer: AIOKafkaConsumer, selection: Selection, answers: Collection[AnswerGenerated]
) -> dict[UUID, str]:
    wanted = {answer.id for answer in answers}
    since = min(answer.occurred_at for answer in answers) - MARGIN
    stretch = replace(selection.stretch, since=since, until=None)
    found: dict[UUID, str] = {}
    spans = await spans_of(consumer, DELIVERIES.name, stretch)
    async for record in merged(consumer, spans):
        match _event(record):
            case AnswerDelivered(answer_id=answer) if answer in wanted:
                found[answer] = "delivered"
            case AnswerNotDelivered(answer_id=answer, reason=reason) if answer in wanted:
                found.setdefault(answer, f"not delivered: {reason.value}")
    return found


def _event(record: Record) -> Event | None:
    try:
        return decode(record.headers, record.value or b"")
    except EncodingError:
        return None
