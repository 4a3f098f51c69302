"""The assistant's row: what was said, from the ledger's entry, and what it was made from.

It is written once, with the outcome. Only an answer that does not end at its first handling has its
row before, with the text that the ledger fixed: it waits for a platform, and somebody may want to
know for what. A crash in between leaves no row: the ledger has the text, and the event comes again.
"""

from datetime import datetime

from recado.dispatcher.conversing import close_by_reset
from recado.dispatcher.delivery import Delivery
from recado.dispatcher.documents import milliseconds
from recado.dispatcher.outgoing import Outgoing
from recado.dispatcher.ports import Change, Documents, Name
from recado.dispatcher.turns import conversation_seen
from recado.schemas.conversations import ReplyTo
from recado.schemas.events import AnswerGenerated, OperatorReplied


def row_of(answer: Outgoing, delivery: Delivery) -> dict[str, object]:
    """The fields of the row. Place and time are those of the event that was opened first."""
    return {
        "conversation": answer.conversation,
        "role": "assistant",
        "kind": "text",
        "text": delivery.text,
        "at": delivery.at,
        "answers": [str(message) for message in answer.message_ids],
        "integration": answer.reply_to.integration,
        **_made_from(answer.event),
        "topic": answer.position.topic,
        "partition": answer.position.partition,
        "offset": delivery.offset,
    }


def row_begun(answer: Outgoing, delivery: Delivery) -> Change:
    """The row, unless an event has filled it already; a status may have begun it."""
    return Change(
        Name.MESSAGES,
        delivery.id,
        {"$set": row_of(answer, delivery)},
        guard={"kind": {"$exists": False}},
        upsert=True,
    )


def conversation_of(answer: Outgoing, delivery: Delivery) -> Change:
    """The conversation is there, and knows where it is and of this answer's moment."""
    event = answer.event
    latest: dict[str, datetime] = {}
    if isinstance(event, AnswerGenerated) and event.resets_history:
        latest["history_from"] = milliseconds(event.received_at)
    return conversation_seen(
        answer.conversation, fields=_address(answer.reply_to), at=delivery.at, latest=latest
    )


async def reset_by(documents: Documents, answer: Outgoing) -> None:
    """Close the conversation where this is the answer to a `/reset`; its document is there."""
    event = answer.event
    if isinstance(event, AnswerGenerated) and event.resets_history:
        await close_by_reset(documents, answer.conversation, milliseconds(event.received_at))


def _address(reply_to: ReplyTo) -> dict[str, object]:
    return {
        "platform": reply_to.platform,
        "integration": reply_to.integration,
        "chat": reply_to.chat,
        "thread": reply_to.thread,
    }


def _made_from(event: AnswerGenerated | OperatorReplied) -> dict[str, object]:
    if isinstance(event, OperatorReplied):
        return {"operator": event.operator}
    return event.model_dump(
        mode="json",
        include={
            "rung",
            "citations",
            "model",
            "usage",
            "prompt_version",
            "error",
            "quoted_message_id",
        },
    )
