"""Answers and what became of them: a ledger's entry from the answer's event and its outcome's.

The entry is closed, with the parts that formatting gives today. What only the process knew that
sent it (claims, attempts) is not in it.
"""

from collections.abc import Sequence

from recado.channels.contract import Part
from recado.dispatcher.delivery import Delivery, Outcome, PartEntry, PartState
from recado.dispatcher.documents import milliseconds
from recado.dispatcher.outgoing import Outgoing
from recado.dispatcher.window import CLOSED
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered

OutcomeEvent = AnswerDelivered | AnswerNotDelivered


def told_again(before: Delivery, event: OutcomeEvent) -> bool:
    """Whether the entry has this outcome already: its answer came twice, and so did this."""
    return before.outcome is not None and before.outcome.at == milliseconds(event.occurred_at)


def ended(
    answer: Outgoing, event: OutcomeEvent, content: Sequence[Part], before: Delivery | None
) -> Delivery:
    """The entry of an answer with this outcome.

    `before` is the entry that it has already, where it was driven again: its text, place and parts
    stay as they were first.
    """
    content = _contents(event, content if before is None else [p.content for p in before.parts])
    if isinstance(event, AnswerDelivered):
        parts = _delivered(event, content)
    else:
        parts = _not_delivered(event, content)
    return Delivery(
        _id=str(answer.id),
        conversation=answer.conversation,
        text=answer.text if before is None else before.text,
        at=milliseconds(answer.event.occurred_at) if before is None else before.at,
        offset=answer.position.offset if before is None else before.offset,
        parts=tuple(parts),
        introduces=answer.introduces if before is None else before.introduces,
        created_at=milliseconds(event.occurred_at) if before is None else before.created_at,
        outcome=Outcome(
            reason=None if isinstance(event, AnswerDelivered) else event.reason,
            error=None if isinstance(event, AnswerDelivered) else event.error,
            at=milliseconds(event.occurred_at),
            deadline=milliseconds(answer.deadline),
        ),
        moved_to=event.moved_to,
    )


def _contents(event: OutcomeEvent, content: Sequence[Part]) -> Sequence[Part]:
    """What the parts were. Where they went as templates the words are those of the first ones."""
    if not event.templates:
        return [part for part in content if part.template is None] or content
    plain = [*content, *([content[-1]] * len(event.templates))]
    return [
        part.model_copy(update={"template": template, "entities": ()})
        if template is not None
        else part
        for part, template in zip(plain, event.templates, strict=False)
    ]


def _delivered(event: AnswerDelivered, content: Sequence[Part]) -> list[PartEntry]:
    """All were sent. Where formatting was another then, there are as many parts as there were."""
    ids = event.platform_message_ids
    fitting = [*content[: len(ids)], *([content[-1]] * (len(ids) - len(content)))]
    return [
        PartEntry(
            content=part,
            state=PartState.SENT,
            platform_message_id=platform_id or None,
            claimed_at=milliseconds(event.occurred_at),
            repeats=1 if number < event.repeated_parts else 0,
        )
        for number, (part, platform_id) in enumerate(zip(fitting, ids, strict=True))
    ]


def _not_delivered(event: AnswerNotDelivered, content: Sequence[Part]) -> list[PartEntry]:
    """The first so many were sent; the next one is what the answer ended at."""
    ids = [*event.platform_message_ids, *([""] * len(content))]
    return [
        _entry(event, number, part, ids[number]).model_copy(
            update={"repeats": 1 if number < event.repeated_parts else 0}
        )
        for number, part in enumerate(content)
    ]


def _entry(event: AnswerNotDelivered, number: int, part: Part, platform_id: str) -> PartEntry:
    if number < event.parts_sent:
        return PartEntry(
            content=part,
            state=PartState.SENT,
            platform_message_id=platform_id or None,
            claimed_at=milliseconds(event.occurred_at),
        )
    if number == event.parts_sent and event.reason is NotDeliveredReason.UNCERTAIN:
        return PartEntry(content=part, state=PartState.UNCERTAIN)
    if number == event.parts_sent and event.error not in (None, CLOSED):
        return PartEntry(
            content=part, state=PartState.FAILED, reason=event.reason, error=event.error
        )
    return PartEntry(content=part)
