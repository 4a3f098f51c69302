"""Why an answer may not be sent, from what is known of its conversation and its messages."""

from datetime import datetime

import structlog

from recado.dispatcher.coverage import Covered, cover
from recado.dispatcher.documents import milliseconds
from recado.dispatcher.forgotten import forgotten_at
from recado.dispatcher.opting import unwanted
from recado.dispatcher.outgoing import Outgoing
from recado.dispatcher.ports import Document, Documents, Name
from recado.dispatcher.together import both
from recado.schemas.deliveries import NotDeliveredReason
from recado.servicekit import metrics

log = structlog.stdlib.get_logger(__name__)


async def reason_not_to(
    documents: Documents, answer: Outgoing, *, expired: bool
) -> tuple[NotDeliveredReason | None, Document | None]:
    """Why it may not be sent; None: it may, and its messages are marked as answered by it.

    What it has marked otherwise is taken back with its outcome. And what is known of the
    conversation: who is in charge, when the customer last wrote.
    """
    conversation, covered = await both(
        documents.read(Name.CONVERSATIONS, answer.conversation),
        _nothing_covered() if expired else cover(documents, answer),
    )
    if conversation is not None and not answer.by_operator:
        if conversation.get("handoff") is not None:
            return NotDeliveredReason.HANDOFF, conversation
        if _blocked_since(answer, conversation):
            return NotDeliveredReason.BLOCKED, conversation
        if unwanted(answer, conversation):
            return NotDeliveredReason.OPTED_OUT, conversation
    if expired:
        return NotDeliveredReason.EXPIRED, conversation
    of_somebody_forgotten = covered.overlapping and await forgotten_at(documents, answer)
    if covered.superseded or of_somebody_forgotten:
        return NotDeliveredReason.SUPERSEDED, conversation
    if covered.overlapping:
        metrics.ANSWERS_OVERLAPPING.inc()
        log.warning("answer.overlaps", answer_id=str(answer.id), by_others=covered.by_others)
    return None, conversation


def _blocked_since(answer: Outgoing, conversation: Document) -> bool:
    """Whether the customer has blocked us after the message that is answered.

    A message that came later may not be recorded yet, but its answer says when it came.
    """
    blocked_at = conversation.get("blocked_at")
    return (
        isinstance(blocked_at, datetime)
        and answer.received_at is not None
        and milliseconds(answer.received_at) <= blocked_at
    )


async def _nothing_covered() -> Covered:
    return Covered(0, 0)
