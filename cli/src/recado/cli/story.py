"""What happened to messages, step by step, from the records of the topics. No I/O.

A step's time is when it was done, by the clock of the service that did it. An answer event tells
how long each of its steps took: those of history, retrieval and generation are counted from there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from recado.cli.event_lines import one_line, type_of
from recado.cli.letters import REDRIVE_COUNT, letter_of
from recado.schemas import events
from recado.schemas.answers import Retrieval
from recado.schemas.encoding import EncodingError, decode
from recado_lanes.record import Record


@dataclass(frozen=True, slots=True)
class Step:
    """One step."""

    at: datetime
    name: str
    record: Record
    """The record that tells of it."""
    facts: str = ""
    """In a few words, without what customers or the assistant wrote."""
    took: timedelta | None = None
    details: tuple[str, ...] = ()
    text: str | None = None
    """What was written, whole."""
    event_id: str | None = None
    failed: bool = False
    message_ids: tuple[UUID, ...] = ()
    """The messages that it is about, as far as that is known."""


def story_of(records: Iterable[Record]) -> list[Step]:
    """All steps that these records tell of, in their order. Each record is told once."""
    known = {(one.topic, one.partition, one.offset): one for one in records}
    sent: dict[str, int] = {}
    told: list[tuple[Record, events.Event | None]] = []
    for record in known.values():
        event = event_of(record)
        told.append((record, event))
        if isinstance(event, events.AnswerDelivered):
            parts = enumerate(event.platform_message_ids, start=1)
            sent |= {name: number for number, name in parts if name}
    answered = _answered(event for _, event in told)
    steps = [
        replace(step, message_ids=_messages_of(event, answered))
        for record, event in told
        for step in _steps(record, event, sent)
    ]
    # Sorting is stable: steps of one moment stay in the order of the path.
    order = {"webhook": 0, "message": 1, "history": 2, "retrieval": 3, "generation": 4, "answer": 5}
    return sorted(steps, key=lambda step: (step.at, order.get(step.name, len(order))))


def _answered(told: Iterable[events.Event | None]) -> dict[str, tuple[UUID, ...]]:
    """The messages that are answered, by what the platform calls the parts of the answer."""
    answered: dict[str, tuple[UUID, ...]] = {}
    for event in told:
        if isinstance(event, events.AnswerDelivered):
            answered |= dict.fromkeys(event.platform_message_ids, event.message_ids)
    return answered


def _messages_of(
    event: events.Event | None, answered: Mapping[str, tuple[UUID, ...]]
) -> tuple[UUID, ...]:
    match event:
        case events.MessageReceived():
            return (event.id,)
        case events.WebhookReceived():
            return event.event_ids
        case events.AnswerGenerated() | events.AnswerDelivered() | events.AnswerNotDelivered():
            return event.message_ids
        case events.StatusReported():
            return answered.get(event.platform_message_id, ())
        case _:
            return ()


def event_of(record: Record) -> events.Event | None:
    """The event in a record; None for a dead letter and for what is no event."""
    if letter_of(record) is not None:
        return None
    try:
        return decode(record.headers, record.value or b"")
    except EncodingError:
        return None


def _steps(record: Record, event: events.Event | None, sent: dict[str, int]) -> Iterator[Step]:
    match event:
        case events.WebhookReceived():
            yield _webhook(record, event)
        case events.MessageReceived():
            yield _message(record, event)
        case events.AnswerGenerated():
            yield from _answer(record, event)
        case events.AnswerDelivered() | events.AnswerNotDelivered():
            yield _outcome(record, event)
        case events.StatusReported():
            yield _status(record, event, sent)
        case events.OperatorReplied():
            yield Step(
                event.occurred_at, "operator", record, event.operator, text=event.text,
                event_id=str(event.id),
            )  # fmt: skip
        case events.HandoffRequested():
            yield _noted(record, event, "hand-off", event.reason)
        case events.CustomerForgotten():
            yield Step(
                event.occurred_at,
                "forgotten",
                record,
                "the whole conversation" if event.whole else "what they wrote",
                event_id=str(event.id),
            )
        case events.HandoffReleased():
            yield _noted(record, event, "hand-off ended", f"by {event.operator}")
        case None:
            yield _unreadable(record)
        case _:
            return


def _noted(
    record: Record, event: events.HandoffRequested | events.HandoffReleased, name: str, facts: str
) -> Step:
    return Step(event.occurred_at, name, record, facts, event_id=str(event.id))


def _webhook(record: Record, event: events.WebhookReceived) -> Step:
    others = len(event.event_ids)
    facts = f"{event.platform} {event.event_type}, {event.outcome.value}, {event.status}"
    details = [f"{others} messages and statuses in it"] if others > 1 else []
    if event.error:
        details.append(event.error)
    return Step(
        event.occurred_at, "webhook", record, facts, details=tuple(details),
        event_id=str(event.id), failed=bool(event.error),
    )  # fmt: skip


def _message(record: Record, event: events.MessageReceived) -> Step:
    details = []
    if event.platform_message_id:
        details.append(f"{event.reply_to.platform} id {event.platform_message_id}")
    if event.sent_at is not None:
        ago = (event.occurred_at - event.sent_at).total_seconds()
        details.append(f"written {ago:.0f} s before, by the platform's clock")
    if again := _times_sent_back(record):
        details.append(f"sent back from the dead letters, time {again}")
    return Step(
        event.occurred_at, "message", record, event.kind.value, details=tuple(details),
        text=event.text, event_id=str(event.id),
    )  # fmt: skip


def _answer(record: Record, event: events.AnswerGenerated) -> Iterator[Step]:
    timings, identity = event.timings, str(event.id)
    done = event.occurred_at
    # Backwards from the answer: its own clock says when that was, the timings how long each took.
    generated = done
    retrieved = generated - (timings.generation or timedelta())
    remembered = retrieved - (timings.retrieval or timedelta())
    if timings.history is not None:
        turns = f"{len(event.history)} turns" if event.history else "no turns were used"
        yield Step(remembered, "history", record, turns, timings.history, event_id=identity)
    if event.retrieval is not None:
        yield Step(
            retrieved, "retrieval", record, _searched(event.retrieval), timings.retrieval,
            tuple(_passages(event.retrieval)), event.retrieval.query, identity,
            failed=event.retrieval.error is not None,
        )  # fmt: skip
    if timings.generation is not None or event.model is not None:
        failed = event.model is None
        facts = "failed" if failed else _generated(event)
        yield Step(
            generated, "generation", record, facts, timings.generation,
            (f"prompt {event.prompt_version}",) if event.prompt_version else (),
            event_id=identity, failed=failed,
        )  # fmt: skip
    details = [f"[{one.number}] {_place(one.title, one.section)}" for one in event.citations]
    if event.error:
        details.append(f"not on a better rung: {event.error}")
    if event.introduces:
        details.append("says that an automatic assistant answers")
    if event.resets_history:
        details.append("what was said before is forgotten")
    if event.opts_out is not None:
        details.append(
            "no automatic answers from here on" if event.opts_out else "automatic answers again"
        )
    if again := _times_sent_back(record):
        details.append(f"sent back from the dead letters, time {again}")
    yield Step(
        done, "answer", record, event.rung.value, timings.total, tuple(details), event.text,
        identity,
    )  # fmt: skip


def _generated(event: events.AnswerGenerated) -> str:
    if event.usage is None:
        return event.model or ""
    written = event.usage.output_tokens + event.usage.thinking_tokens
    return f"{event.model}, {event.usage.prompt_tokens} + {written} tokens"


def _searched(retrieval: Retrieval) -> str:
    if retrieval.error is not None:
        return f"failed: {retrieval.error}"
    found = f"{len(retrieval.passages)} passages of {retrieval.n} asked for"
    if retrieval.no_answer_similarity is None:
        return found
    return f"{found}, needed is similarity {retrieval.no_answer_similarity:.3f}"


def _passages(retrieval: Retrieval) -> Iterator[str]:
    for number, one in enumerate(retrieval.passages, start=1):
        scores = f"score {one.score:.3f}, similarity {one.similarity:.3f}"
        yield f"{number}. {_place(one.title, one.section)}: {scores}"


def _place(title: str, section: str) -> str:
    return f"{title} › {section}" if section and section != title else title


def _outcome(record: Record, event: events.AnswerDelivered | events.AnswerNotDelivered) -> Step:
    if isinstance(event, events.AnswerDelivered):
        parts = len(event.platform_message_ids)
        details = [
            f"part {number}: {name or 'id not known'}"
            for number, name in enumerate(event.platform_message_ids, start=1)
        ]
        if event.repeated_parts:
            details.append(f"{event.repeated_parts} sent again: the first result was not known")
        facts = "1 part" if parts == 1 else f"{parts} parts"
        return Step(
            event.occurred_at, "sent", record, facts, details=tuple(details), event_id=str(event.id)
        )
    details = [f"{event.parts_sent} parts did arrive"] if event.parts_sent else []
    if event.error is not None:
        told = (event.error.title, event.error.message)
        details.append(" ".join(one for one in (str(event.error.code), *told) if one))
    return Step(
        event.occurred_at, "not sent", record, event.reason.value, details=tuple(details),
        event_id=str(event.id), failed=True,
    )  # fmt: skip


def _status(record: Record, event: events.StatusReported, sent: dict[str, int]) -> Step:
    part = sent.get(event.platform_message_id)
    facts = f"part {part}" if part is not None else event.platform_message_id
    details = tuple(
        " ".join(str(one) for one in (error.code, error.title, error.message) if one)
        for error in event.errors
    )
    return Step(
        event.occurred_at, f"status {event.status.value}", record, facts, details=details,
        event_id=str(event.id), failed=bool(event.errors),
    )  # fmt: skip


def _unreadable(record: Record) -> Step:
    """A dead letter, or a record that is no event: of that no more is known than where it is."""
    letter = letter_of(record)
    if letter is None:
        claimed = one_line(type_of(record)) or "no type"
        return Step(record.timestamp, "no event", record, claimed, failed=True)
    service = record.topic.removeprefix("recado.").removesuffix(".dead-letters")
    facts = f"{service}: {letter.error.rpartition('.')[2]}"
    details = [letter.message, f"of {letter.origin}"]
    if letter.redriven:
        details.append(f"after it was sent back {letter.redriven} times")
    return Step(
        letter.at, "dead letter", record, facts, details=tuple(filter(None, details)), failed=True
    )


def _times_sent_back(record: Record) -> str:
    count = dict(record.headers).get(REDRIVE_COUNT, b"").decode(errors="replace")
    return count if count.isdigit() else ""


def between(steps: Sequence[Step]) -> list[tuple[timedelta, timedelta | None]]:
    """For each step the time from the first one, and from the one before; the first has none."""
    result: list[tuple[timedelta, timedelta | None]] = []
    for number, step in enumerate(steps):
        before = steps[number - 1].at if number else None
        result.append((step.at - steps[0].at, None if before is None else step.at - before))
    return result
