"""Which answer each message is answered by: every message is covered by one final answer.

The mark is on the message's own document, put there by a conditional update: the first answer that
is about to be sent gets it. So an answer that comes twice finds its own marks and is not taken for
another, and a crash between mark and sending only means that the same answer marks again. An answer
of which nothing was sent gives its marks back: marking goes on while it is found out whether it may
be sent at all.
"""

from dataclasses import dataclass

from recado.dispatcher.outgoing import Outgoing
from recado.dispatcher.ports import Change, Documents, Name


@dataclass(frozen=True, slots=True)
class Covered:
    """What of an answer's messages other answers cover."""

    messages: int
    by_others: int

    @property
    def superseded(self) -> bool:
        """Other answers cover all of them."""
        return self.messages > 0 and self.by_others == self.messages

    @property
    def overlapping(self) -> bool:
        """Other answers cover some of them."""
        return 0 < self.by_others < self.messages


async def cover(documents: Documents, answer: Outgoing) -> Covered:
    """Mark the answer's messages as answered by it, where no other answer has."""
    marks = [
        Change(
            Name.MESSAGES,
            str(message),
            {
                "$set": {"answered_by": str(answer.id)},
                "$setOnInsert": {"conversation": answer.conversation, "role": "user"},
            },
            guard={"answered_by": {"$in": [None, str(answer.id)]}},  # nobody's yet, or ours
            upsert=True,
        )
        for message in answer.message_ids
    ]
    made = await documents.apply(marks)
    return Covered(len(marks), sum(not one for one in made))


def uncovering(answer: Outgoing) -> list[Change]:
    """Take the answer's marks back: nothing of it was sent, so another answer may be."""
    return [
        Change(
            Name.MESSAGES,
            str(message),
            {"$unset": {"answered_by": ""}},
            guard={"answered_by": str(answer.id)},
        )
        for message in answer.message_ids
    ]
