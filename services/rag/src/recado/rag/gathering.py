"""What of several messages of one customer is answered together.

A customer who writes three short messages has one thing to say. What comes while nobody is working
on the conversation is gathered for a short time; what comes while an answer is made waits for the
next. In what is gathered:

- a message that is there twice counts once;
- one that was edited is read as it was last edited; the edit itself wants no answer;
- one that the customer took back is not answered.

Edits and revocations that come later change nothing: the message was answered as it was.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from recado.schemas.events import MessageReceived
from recado.schemas.webhooks import MessageKind


def gather(messages: Sequence[MessageReceived]) -> tuple[MessageReceived, ...]:
    """The messages as they are to be read, each once, in their order.

    All are of one conversation. Edits and revocations stay among them, and so does what was taken
    back (`taken_back`).
    """
    edits = {
        message.quoted_message_id: message.text
        for message in messages
        if message.kind is MessageKind.EDIT and message.quoted_message_id and message.text
    }
    once = {message.id: message for message in messages}
    return tuple(_as_edited(message, edits) for message in once.values())


def taken_back(messages: Sequence[MessageReceived]) -> frozenset[UUID]:
    """The messages that the customer took back, as far as the revocations are among them."""
    revoked = {
        message.quoted_message_id for message in messages if message.kind is MessageKind.REVOKE
    } - {None}
    return frozenset(
        message.id
        for message in messages
        if message.kind is not MessageKind.REVOKE and message.platform_message_id in revoked
    )


def _as_edited(message: MessageReceived, edits: Mapping[str, str]) -> MessageReceived:
    place = message.platform_message_id
    if message.kind is MessageKind.EDIT or place is None or place not in edits:
        return message
    return message.model_copy(update={"text": edits[place]})
