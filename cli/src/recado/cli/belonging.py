"""What belongs together: an event's names, and the records about a message. No I/O."""

from collections.abc import Collection, Iterable
from uuid import UUID

from recado.cli.story import event_of
from recado.schemas import events
from recado_lanes.record import Record

ABOUT_MESSAGES = (
    events.MessageReceived,
    events.AnswerGenerated,
    events.AnswerDelivered,
    events.AnswerNotDelivered,
    events.StatusReported,
)


_OUTCOMES = (events.AnswerDelivered, events.AnswerNotDelivered)


def names_of(event: events.Event) -> set[str]:
    """What an event may be asked for by."""
    names = {str(event.id)}
    match event:
        case events.MessageReceived():
            names |= {str(event.webhook_id), event.platform_message_id or ""}
        case events.StatusReported():
            names |= {str(event.webhook_id), event.platform_message_id}
        case events.AnswerDelivered() | events.AnswerNotDelivered():
            names |= {str(event.answer_id), *event.platform_message_ids}
        case _:
            pass
    return names - {""}


def anchors_of(event: events.Event) -> tuple[str, set[UUID]]:
    """The conversation, and the ids from which the rest is found."""
    match event:
        case events.AnswerDelivered() | events.AnswerNotDelivered():
            return event.conversation, {event.answer_id}
        case (
            events.MessageReceived()
            | events.StatusReported()
            | events.AnswerGenerated()
            | events.OperatorReplied()
            | events.HandoffRequested()
            | events.HandoffReleased()
            | events.CustomerForgotten()
        ):
            return event.conversation, {event.id}
        case _:
            raise TypeError(f"{event.type} has no conversation")


def about(records: Iterable[Record], ids: Collection[UUID]) -> list[Record]:
    """Of a conversation's records those about these messages and answers.

    The messages with the answers that cover them, whatever else those cover, what became of the
    answers, and what the platform reported on their parts.
    """
    told = [(record, event) for record in records if (event := event_of(record)) is not None]
    answers = [event for _, event in told if isinstance(event, events.AnswerGenerated)]
    wanted = set(ids)
    sent: set[str] = set()
    for _, event in told:
        # A report alone was asked for by its id: through it the answer is found.
        if isinstance(event, events.StatusReported) and event.id in wanted:
            sent.add(event.platform_message_id)
    for _, event in told:
        if isinstance(event, _OUTCOMES) and (sent - {""}) & set(event.platform_message_ids):
            wanted.add(event.answer_id)
    for answer in answers:
        if answer.id in wanted or wanted & set(answer.message_ids):
            wanted |= {answer.id, *answer.message_ids}
    for _, event in told:
        if isinstance(event, _OUTCOMES) and event.answer_id in wanted:
            sent |= set(event.platform_message_ids) - {""}
    return [record for record, event in told if _is_about(event, wanted, sent)]


def _is_about(event: events.Event, wanted: set[UUID], sent: set[str]) -> bool:
    match event:
        case events.AnswerDelivered() | events.AnswerNotDelivered():
            return event.answer_id in wanted
        case events.StatusReported():
            # What was sent along names the answer before its outcome is there, too.
            named = any(str(one) in (event.callback_data or "") for one in wanted)
            return named or event.platform_message_id in sent or event.id in wanted
        case _:
            return event.id in wanted


def last_of(records: Iterable[Record], limit: int) -> tuple[list[Record], int]:
    """All about the last so many messages, and how many messages came before those.

    What is about no message (a hand-off, a record that is no event) counts from the first on.
    """
    records = list(records)
    told = [(record, event_of(record)) for record in records]
    messages = {
        event.id: record.timestamp
        for record, event in told
        if isinstance(event, events.MessageReceived)
    }
    if len(messages) <= limit:
        return records, 0
    last = list(messages)[-limit:]
    kept = {one.position for one in about(records, last)}
    kept |= {
        record.position
        for record, event in told
        if record.timestamp >= messages[last[0]] and not isinstance(event, ABOUT_MESSAGES)
    }
    return [one for one in records if one.position in kept], len(messages) - limit
