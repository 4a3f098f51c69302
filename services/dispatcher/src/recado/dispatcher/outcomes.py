"""What became of an answer, written into its row and its conversation.

All of it follows from the ledger's entry, so it may be written again after a crash and gives the
same documents.
"""

from datetime import datetime

from recado.dispatcher.amending import join
from recado.dispatcher.answers import conversation_of, reset_by, row_begun, row_of
from recado.dispatcher.conversing import blocked
from recado.dispatcher.coverage import uncovering
from recado.dispatcher.delivery import Delivery, Outcome, PartEntry, PartState
from recado.dispatcher.documents import STATUS_RANKS, platform_key
from recado.dispatcher.erasing import NOT_FORGOTTEN
from recado.dispatcher.forgotten import forgotten_at
from recado.dispatcher.moves import move
from recado.dispatcher.opting import opting
from recado.dispatcher.outgoing import Outgoing
from recado.dispatcher.ports import Change, Documents, Name
from recado.dispatcher.statuses import Statuses, report_on
from recado.dispatcher.together import all_of, both
from recado.dispatcher.turns import push_turn
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerDelivered, AnswerGenerated, AnswerNotDelivered
from recado.schemas.ids import outcome_id
from recado.schemas.webhooks import DeliveryStatus

SENT_RANK = STATUS_RANKS[DeliveryStatus.SENT]


async def record_outcome(
    documents: Documents,
    statuses: Statuses,
    answer: Outgoing,
    delivery: Delivery,
    *,
    reported: bool,
) -> datetime | None:
    """Write the outcome of a closed delivery; join the reports that came before it.

    Where its chat moved meanwhile, the conversation goes on there. Since when the customer is
    forgotten is returned, if they are by now: then what was written is to be erased.

    `reported`: its platform reports on what was sent.
    """
    outcome = _outcome(delivery)
    beside = [conversation_of(answer, delivery), *_conversation(answer, delivery, outcome)]
    beside += opting(answer)
    nothing_sent = all(
        part.state in (PartState.PENDING, PartState.FAILED) or part.has_invited
        for part in delivery.parts
    )
    if outcome.reason is not None and nothing_sent:
        beside += uncovering(answer)
    whole, *_ = await documents.apply([_whole_row(answer, delivery, outcome), *beside])
    if not whole:
        await documents.apply(_completed_row(answer, delivery, outcome))
    await reset_by(documents, answer)
    if delivery.moved_to is not None:
        reply_to, chat = answer.reply_to, delivery.moved_to
        await move(documents, answer.conversation, reply_to, chat, delivery.at)
    forgotten, _ = await both(
        forgotten_at(documents, answer),
        _joined(documents, statuses, answer, delivery, reported=reported),
    )
    return forgotten


async def _joined(
    documents: Documents,
    statuses: Statuses,
    answer: Outgoing,
    delivery: Delivery,
    *,
    reported: bool,
) -> None:
    """Its row with what came before it: reactions to its parts, and the platform's reports."""
    keys = _keys(answer, delivery)
    if not keys:
        return
    integration = answer.reply_to.integration
    reports = _known_ids(delivery) if reported else []
    await all_of(
        join(documents, delivery.id, keys),
        *(statuses.join(integration, platform_id) for platform_id in reports),
    )


def _whole_row(answer: Outgoing, delivery: Delivery, outcome: Outcome) -> Change:
    """The row with everything in it, where nothing but marks of others is there yet."""
    row: dict[str, object] = {**row_of(answer, delivery), **_became(delivery, outcome)}
    update: dict[str, dict[str, object]] = {
        "$set": row,
        "$addToSet": _added(answer, delivery, outcome),
    }
    if delivery.parts_sent:
        row |= {"status": DeliveryStatus.SENT.value, "status_rank": SENT_RANK}
        update["$min"] = {
            f"reports.{number}.{DeliveryStatus.SENT.value}": part.claimed_at
            for number, part in _sent_parts(delivery)
        }
    return Change(
        Name.MESSAGES,
        delivery.id,
        update,
        guard={"kind": {"$exists": False}, "status_rank": {"$exists": False}},
        upsert=True,
    )


def _completed_row(answer: Outgoing, delivery: Delivery, outcome: Outcome) -> list[Change]:
    """The same for a row that a status has begun, or that is there because the answer waited."""
    changes = [
        row_begun(answer, delivery),
        Change(
            Name.MESSAGES,
            delivery.id,
            {"$set": _became(delivery, outcome), "$addToSet": _added(answer, delivery, outcome)},
            guard=NOT_FORGOTTEN,
        ),
    ]
    for number, part in _sent_parts(delivery):
        if part.claimed_at is not None:  # who sent it claimed it
            changes += report_on(delivery.id, str(number), DeliveryStatus.SENT, part.claimed_at, ())
    return changes


def _became(delivery: Delivery, outcome: Outcome) -> dict[str, object]:
    return {
        "outcome": "delivered" if outcome.reason is None else outcome.reason.value,
        "outcome_at": outcome.at,
        "parts_sent": delivery.parts_sent,
        "repeated_parts": delivery.repeated_parts,
    }


def _added(answer: Outgoing, delivery: Delivery, outcome: Outcome) -> dict[str, object]:
    return {
        "platform_ids": {"$each": _known_ids(delivery)},
        "platform_keys": {"$each": _keys(answer, delivery)},
        "errors": {"$each": [] if outcome.error is None else [_error(outcome)]},
    }


def _known_ids(delivery: Delivery) -> list[str]:
    return [platform_id for platform_id in delivery.platform_message_ids if platform_id]


def _keys(answer: Outgoing, delivery: Delivery) -> list[str]:
    reply_to = answer.reply_to
    if delivery.moved_to is not None:
        reply_to = reply_to.model_copy(update={"chat": delivery.moved_to})
    return [platform_key(reply_to, one) for one in _known_ids(delivery)]


def _sent_parts(delivery: Delivery) -> list[tuple[int, PartEntry]]:
    return [
        (number, part)
        for number, part in enumerate(delivery.parts)
        if part.state is PartState.SENT and part.claimed_at is not None
    ]


def outcome_event(answer: Outgoing, delivery: Delivery) -> AnswerDelivered | AnswerNotDelivered:
    """The event of a closed delivery: the same one each time it is made."""
    outcome = _outcome(delivery)
    if outcome.reason is None:
        return AnswerDelivered(
            id=outcome_id(answer.id, "delivered"),
            occurred_at=outcome.at,
            answer_id=answer.id,
            conversation=answer.conversation,
            message_ids=answer.message_ids,
            platform_message_ids=delivery.platform_message_ids,
            repeated_parts=delivery.repeated_parts,
            templates=delivery.templates,
            moved_to=delivery.moved_to,
        )
    return AnswerNotDelivered(
        id=outcome_id(answer.id, "not_delivered"),
        occurred_at=outcome.at,
        answer_id=answer.id,
        conversation=answer.conversation,
        message_ids=answer.message_ids,
        reason=outcome.reason,
        error=outcome.error,
        parts_sent=delivery.parts_sent,
        platform_message_ids=delivery.platform_message_ids,
        repeated_parts=delivery.repeated_parts,
        templates=delivery.templates,
        moved_to=delivery.moved_to,
    )


def _conversation(answer: Outgoing, delivery: Delivery, outcome: Outcome) -> list[Change]:
    event = answer.event
    if outcome.reason is NotDeliveredReason.BLOCKED and outcome.error is not None:
        # The platform's own word. Where nobody asked it the time of the block is known already.
        return [blocked(answer.conversation, outcome.at)]
    if delivery.only_invites and delivery.parts_sent:
        invited = {"$max": {"invited_at": outcome.at}}  # not again until they write
        return [Change(Name.CONVERSATIONS, answer.conversation, invited)]
    if outcome.reason is not None:
        return []
    changes = [
        push_turn(
            answer.conversation,
            turn_id=answer.id,
            role="assistant",
            text=delivery.text,
            at=delivery.at,
            offset=delivery.offset,
            answers=answer.message_ids,
            operator=None if isinstance(event, AnswerGenerated) else event.operator,
        )
    ]
    if delivery.introduces:
        changes.append(
            Change(Name.CONVERSATIONS, answer.conversation, {"$set": {"introduced": True}})
        )
    return changes


def _outcome(delivery: Delivery) -> Outcome:
    if delivery.outcome is None:
        raise ValueError(f"answer {delivery.id} has no outcome yet")
    return delivery.outcome


def _error(outcome: Outcome) -> dict[str, object] | None:
    return None if outcome.error is None else outcome.error.model_dump(mode="json")
