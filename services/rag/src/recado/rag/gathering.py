"""What of several messages of one customer is answered together.

A customer who writes three short messages has one thing to say. What comes while nobody is working
on the conversation is gathered for a short time; what comes while an answer is made waits for the
next. In what is gathered:

- a message that is there twice counts once;
- one that was edited is read as it was last edited; the edit itself wants no answer;
- one that the customer took back is not answered.

Edits and revocations that come later change nothing: the message was answered as it was.
"""

from collections.abc import Sequence

from recado.schemas.events import MessageReceived
from recado.schemas.webhooks import MessageKind


def gather(messages: Sequence[MessageReceived]) -> tuple[MessageReceived, ...]:
    """The messages as they are to be read, in their order; edits and revocations stay among them.

    All are of one conversation.
    """
    edits: dict[str, str] = {}
    revoked: set[str] = set()
    for message in messages:
        changed = message.quoted_message_id
        if changed is None:
            continue
        if message.kind is MessageKind.EDIT and message.text:
            edits[changed] = message.text
        elif message.kind is MessageKind.REVOKE:
            revoked.add(changed)
    once = {message.id: message for message in messages}
    return tuple(
        _as_edited(message, edits)
        for message in once.values()
        if message.platform_message_id not in revoked or message.kind is MessageKind.REVOKE
    )


def _as_edited(message: MessageReceived, edits: dict[str, str]) -> MessageReceived:
    place = message.platform_message_id
    if message.kind is MessageKind.EDIT or place is None or place not in edits:
        return message
    return message.model_copy(update={"text": edits[place]})
