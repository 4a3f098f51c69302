"""Whether a customer wants automatic answers.

rag understands the customer's word (BAJA, ALTA) and says so in its answer, which holds whether that
answer is delivered or not. The time is that of the message: what was ordered last counts, in
whatever order, and however often, the answers come.
"""

from recado.dispatcher.documents import milliseconds
from recado.dispatcher.outgoing import Outgoing
from recado.dispatcher.ports import Change, Document, Name
from recado.schemas.events import AnswerGenerated


def unwanted(answer: Outgoing, conversation: Document) -> bool:
    """Whether the customer wants none. What they ordered is confirmed, and people may write."""
    event = answer.event
    return (
        isinstance(event, AnswerGenerated)
        and event.opts_out is None
        and conversation.get("opted_out_at") is not None
    )


def opting(answer: Outgoing) -> list[Change]:
    """What the answered message ordered. The conversation's document must exist."""
    event = answer.event
    if not isinstance(event, AnswerGenerated) or event.opts_out is None:
        return []
    at = milliseconds(event.received_at)
    return [
        Change(
            Name.CONVERSATIONS,
            event.conversation,
            {"$set": {"opted_out_at": at if event.opts_out else None, "opted_at": at}},
            guard={"opted_at": {"$not": {"$gte": at}}},
        )
    ]
