"""`recado undelivered`: answers that were not delivered, and why; driven again with more time.

The last outcome of an answer counts. One that is driven again is the same event with a later
deadline, by which the dispatcher knows it: what was sent of it stays sent, the rest is tried.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from recado.cli.moments import moment
from recado.cli.output import AsJson, CliError, local_time, print_json, print_note, print_table, run
from recado.cli.reading import Stretch, merged, partition_of, spans_of
from recado.cli.records import reader
from recado.cli.settings import CliSettings
from recado.cli.story import event_of
from recado.cli.wanted_rows import When
from recado.schemas.deliveries import LONGEST_TO_DELIVER, NotDeliveredReason
from recado.schemas.events import (
    AnswerDelivered,
    AnswerGenerated,
    AnswerNotDelivered,
    Event,
    OperatorReplied,
)
from recado.schemas.topics import ANSWERS, CONVERSATION_PARTITIONS, DELIVERIES
from recado.servicekit.kafka import NotAcknowledged, Publisher, make_event_producer
from recado.servicekit.settings import KafkaSettings

Answer = AnswerGenerated | OperatorReplied

BEFORE = timedelta(days=1)
"""So far before `--since` answers are looked for at first. Those not found there may be anywhere
before: after an outage an outcome is days younger than its answer."""

MOST_MINUTES = LONGEST_TO_DELIVER / timedelta(minutes=1)

AS_IT_SHOULD_BE = frozenset(
    {
        NotDeliveredReason.SUPERSEDED,
        NotDeliveredReason.HANDOFF,
        NotDeliveredReason.OPTED_OUT,
        NotDeliveredReason.UNCERTAIN,
    }
)
"""Driven again only where they are named: a customer would hear what they must not, or twice."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """An answer that was not delivered; `answer` is None where its topic has it no more."""

    outcome: AnswerNotDelivered
    answer: Answer | None


def undelivered(
    since: Annotated[str, typer.Option(help=f"Ended from then on. {When}")] = "1d",
    until: Annotated[
        str | None, typer.Option(help=f"Ended before that, and not delivered later. {When}")
    ] = None,
    reason: Annotated[
        list[NotDeliveredReason] | None, typer.Option(help="For this; may be given again.")
    ] = None,
    conversation: Annotated[str | None, typer.Option(help="In this conversation.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="No more than so many, the last.")] = 50,
    redrive: Annotated[bool, typer.Option("--redrive", help="Have them sent again.")] = False,
    within: Annotated[
        float, typer.Option(min=1, max=MOST_MINUTES, help="Minutes that they may take then.")
    ] = 15.0,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Answers that were not delivered, and why; with --redrive --yes they are tried again."""
    if yes and not redrive:
        raise CliError("Without --redrive nothing is sent.", exit_status=2)
    now = datetime.now(UTC)
    stretch = Stretch(
        since=moment(since, now=now),
        partition=None
        if conversation is None
        else partition_of(conversation, CONVERSATION_PARTITIONS),
    )
    before = None if until is None else moment(until, now=now)
    settings = CliSettings()
    reasons = frozenset(reason or ())
    found = [
        one
        for one in run(find(settings, stretch))
        if (before is None or one.outcome.occurred_at < before)
        and (conversation is None or one.outcome.conversation == conversation)
        and (not reasons or one.outcome.reason in reasons)
    ][-limit:]
    again = to_drive_again(found, reasons) if redrive else []
    if again and yes:
        run(_drive(settings, with_deadline(again, now + timedelta(minutes=within))))
    if as_json:
        print_json(
            {
                "undelivered": [one.outcome.model_dump(mode="json") for one in found],
                "driven_again" if yes else "to_drive_again": [str(one.id) for one in again],
            }
        )
        return
    _show(found)
    if redrive:
        what = "driven again" if yes else "would be driven again; --yes does it"
        left = len(found) - len(again)
        beside = f", {left} are not: as it should be, or no longer in the topic" if left else ""
        print_note(f"{len(again)} {what}{beside}.")


def note(last: dict[UUID, AnswerNotDelivered], event: Event | None) -> None:
    """Keep the answers whose last outcome is that they were not delivered, the last ended last."""
    if isinstance(event, AnswerDelivered | AnswerNotDelivered):
        last.pop(event.answer_id, None)
    if isinstance(event, AnswerNotDelivered):
        last[event.answer_id] = event


def to_drive_again(
    found: Iterable[Undelivered], reasons: Collection[NotDeliveredReason]
) -> list[Answer]:
    """Those that are there, and that should have been delivered or whose reason is named."""
    return [
        one.answer
        for one in found
        if one.answer is not None
        and (one.outcome.reason in reasons or one.outcome.reason not in AS_IT_SHOULD_BE)
    ]


def with_deadline(answers: Iterable[Answer], deadline: datetime) -> Sequence[Answer]:
    """The same events, with more time."""
    return [one.model_copy(update={"deadline": deadline}) for one in answers]


async def find(settings: KafkaSettings, stretch: Stretch) -> list[Undelivered]:
    """The answers of this stretch's outcomes whose last one is that they were not delivered."""
    async with reader(settings, DELIVERIES.name, ANSWERS.name) as consumer:
        outcomes: dict[UUID, AnswerNotDelivered] = {}
        spans = await spans_of(consumer, DELIVERIES.name, stretch)
        async with aclosing(merged(consumer, spans)) as records:
            async for one in records:
                note(outcomes, event_of(one))
        answers: dict[UUID, Answer] = {}
        if outcomes and stretch.since is not None:
            near = stretch.since - BEFORE
            for part in (
                Stretch(since=near, partition=stretch.partition),
                Stretch(until=near, partition=stretch.partition),
            ):
                missing = outcomes.keys() - answers.keys()
                answers |= await _answers(consumer, part, missing)
    return [Undelivered(outcome, answers.get(one)) for one, outcome in outcomes.items()]


async def _answers(
    consumer: AIOKafkaConsumer, stretch: Stretch, wanted: Collection[UUID]
) -> dict[UUID, Answer]:
    """Those of the answers that are in this stretch. Of one that came again any is as good."""
    found: dict[UUID, Answer] = {}
    spans = await spans_of(consumer, ANSWERS.name, stretch) if wanted else {}
    async with aclosing(merged(consumer, spans)) as records:
        async for one in records:
            event = event_of(one)
            if isinstance(event, AnswerGenerated | OperatorReplied) and event.id in wanted:
                found[event.id] = event
                if len(found) == len(wanted):
                    break
    return found


async def _drive(settings: KafkaSettings, answers: Sequence[Answer]) -> None:
    producer = make_event_producer(settings, "cli")
    try:
        await producer.start()
        await Publisher(producer, "cli").publish(*answers)
    except (KafkaError, NotAcknowledged, OSError) as error:
        raise CliError(f"Kafka can't be written to: {type(error).__name__}") from error
    finally:
        await producer.stop()


def _show(found: Sequence[Undelivered]) -> None:
    print_table(
        "Not delivered",
        ("ended", "reason", "code", "parts sent", "answer", "conversation"),
        [
            (
                local_time(one.outcome.occurred_at),
                one.outcome.reason.value,
                "" if one.outcome.error is None else str(one.outcome.error.code),
                str(one.outcome.parts_sent),
                str(one.outcome.answer_id) + ("" if one.answer else " (gone)"),
                one.outcome.conversation,
            )
            for one in found
        ],
    )
