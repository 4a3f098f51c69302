"""What the customer's messages ask for.

One answer covers one or more messages of a conversation, in their order. A command is handed over
alone, or as the last of the messages; then it is what is answered.

Answered are text, captions and the titles of buttons. A kind that can't be read gets one polite
line. Not answered at all:

- reactions, revoked messages and system messages, for they say nothing;
- edits: the message was answered as it was first written, and an answer to a corrected typing
  error would look like a second answer to the same question;
- what was not said to the assistant: in a group it answers where it is mentioned, replied to or
  given a command;
- updates of a kind that Recado does not know, that carry no text and that nobody wrote: nobody
  waits for a reply to a boosted chat or a deleted message. Who wrote is `from` in the raw part, on
  WhatsApp and Telegram alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from recado.rag.commands import Command, command_in
from recado.rag.smalltalk import Courtesy, courtesy_in
from recado.schemas.events import MessageReceived
from recado.schemas.webhooks import MessageKind

UNANSWERED = frozenset(
    {MessageKind.REACTION, MessageKind.REVOKE, MessageKind.SYSTEM, MessageKind.EDIT}
)

ATTACHMENTS = frozenset(
    {
        MessageKind.IMAGE,
        MessageKind.VIDEO,
        MessageKind.AUDIO,
        MessageKind.VOICE,
        MessageKind.DOCUMENT,
    }
)
"""Kinds whose text is a caption: there is more in the message than can be read."""

_UNREADABLE = {
    MessageKind.VOICE: "voice_unreadable",
    MessageKind.AUDIO: "voice_unreadable",
    MessageKind.IMAGE: "image_unreadable",
    MessageKind.VIDEO: "image_unreadable",
    MessageKind.STICKER: "image_unreadable",
}


_WRITERS = ("from", "from_user_id")
"""Who wrote a message, in its raw part; on WhatsApp the number may be lacking."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something to look up. `attachment`: a file came along that can't be read."""

    text: str
    attachment: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Nothing that can be read; `notice` names the line that says so."""

    notice: str


Request = Command | Courtesy | Question | Unreadable


def wants_answer(message: MessageReceived) -> bool:
    """Whether anybody waits for an answer to this message."""
    if message.kind in UNANSWERED or not message.addressed:
        return False
    if message.kind is not MessageKind.OTHER or _text(message) is not None:
        return True
    return message.raw is not None and any(message.raw.get(name) for name in _WRITERS)


def understand(messages: Sequence[MessageReceived]) -> Request:
    """What these messages, at least one, ask for together. All of them want an answer."""
    written = [text for text in map(_text, messages) if text is not None]
    if not written:
        return Unreadable(_UNREADABLE.get(messages[-1].kind, "other_unreadable"))
    command = command_in(_text(messages[-1]) or "")
    if command is not None:
        return command
    questions = [text for text in written if courtesy_in(text) is None]
    if not questions:
        return courtesy_in(written[-1]) or Courtesy.GREETING
    attachment = any(message.kind in ATTACHMENTS for message in messages)
    return Question("\n".join(questions), attachment)


def _text(message: MessageReceived) -> str | None:
    return message.text if message.text and message.text.strip() else None
