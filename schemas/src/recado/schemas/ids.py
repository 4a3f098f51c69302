"""Identifiers, derived and never drawn, so that a redelivery anywhere is recognised anywhere.

Every identifier is a UUID of version 5 (RFC 9562) in one namespace, made from a kind and the parts
that name the thing. Parts are joined as JSON, so no two different lists of parts give one name.

The one exception is `fresh_id`: a webhook body without any identifier (a hand-written curl
command) gets a random one and has no protection against repeats.
"""

import json
import os
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha1
from uuid import UUID

import orjson

NAMESPACE = UUID("5f0c2f0e-7a0f-5c0b-9d53-5d3f7f6e1c11")
"""Recado's own namespace. Changing it would make every redelivery look new."""


def _derive(kind: str, *parts: str | None) -> UUID:
    """`uuid.uuid5` of the parts as JSON, in a third of its time. Every webhook asks for it."""
    digest = sha1(_NAMESPACE_BYTES + _name((kind, *parts)), usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)


def _name(parts: tuple[str | None, ...]) -> bytes:
    try:
        return orjson.dumps(parts)
    except orjson.JSONEncodeError:
        # A lone surrogate, in a path say: it has no bytes, and the error says so.
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()


_NAMESPACE_BYTES = NAMESPACE.bytes


def fresh_id() -> UUID:
    """A random identifier, for what came without one. A repeat of it is not recognised.

    A UUID of version 4, as `uuid.uuid4` makes it, without a system call for each.
    """
    try:
        drawn = _drawn.pop()
    except IndexError:
        drawn = _draw()
    return UUID(int=drawn & _RANDOM_BITS | _VERSION_4)


def _draw() -> int:
    random = os.urandom(_DRAWN_AT_ONCE * 16)
    numbers = [int.from_bytes(random[at : at + 16]) for at in range(0, len(random), 16)]
    one = numbers.pop()
    _drawn.extend(numbers)
    return one


_DRAWN_AT_ONCE = 256
_VERSION_4 = 0x4000_8000_0000_0000_0000
_RANDOM_BITS = ~0xF000_C000_0000_0000_0000
# Threads may share it: both of a list's operations are atomic.
_drawn: list[int] = []
# Parent and child must not hand out the same ones.
os.register_at_fork(after_in_child=_drawn.clear)


def conversation_key(platform: str, integration: str, chat: str, thread: str | None = None) -> str:
    """Where the reply goes: `{platform}:{integration}:{chat}[:{thread}]`.

    It is the Kafka key of everything in a conversation. Nobody takes it apart: answers carry
    `reply_to` in full.
    """
    key = f"{platform}:{integration}:{chat}"
    return key if thread is None else f"{key}:{thread}"


def message_id(
    integration: str,
    kind: str,
    chat: str,
    platform_message_id: str,
    edited_at: datetime | None = None,
) -> UUID:
    """The id of a customer's message.

    `kind` tells id spaces apart (a message, a callback, any other update), since Telegram's
    `message_id` is unique only within a chat and only among messages. An edit is another event
    than the message that it changes, so its date is part of its id.
    """
    edit = None if edited_at is None else edited_at.isoformat()
    return _derive("message", integration, kind, chat, platform_message_id, edit)


def status_id(
    integration: str, platform_message_id: str, status: str, occurred_at: datetime
) -> UUID:
    """The id of a report on an outgoing message."""
    return _derive("status", integration, platform_message_id, status, occurred_at.isoformat())


def answer_id(message_ids: Iterable[UUID]) -> UUID:
    """The id of the answer to these messages, whatever their order."""
    return _derive("answer", *sorted(str(message) for message in message_ids))


def outcome_id(answer: UUID, outcome: str) -> UUID:
    """The id of the event that says what became of an answer (`delivered`, `not_delivered`)."""
    return _derive("outcome", str(answer), outcome)


def forgotten_id(conversation: str) -> UUID:
    """What an order to forget the conversation is known by, where its key may not be kept."""
    return _derive("forgotten", conversation)


def document_id(collection: str, path: str) -> UUID:
    """The id of a document of the knowledge base: its place, not its content."""
    return _derive("document", collection, path)


def chunk_id(document: UUID, position: int) -> UUID:
    """The id of a chunk: its document and its position there, counted from 0."""
    return _derive("chunk", str(document), str(position))


def submission_id(document: UUID, content_sha256: str, begun_at: datetime | None = None) -> UUID:
    """The id of the submission of one version of a document.

    One in several parts has the time when it was begun in it: an upload that breaks off must not
    write over the parts of an earlier one, on which the document may still rest.
    """
    if begun_at is None:
        return _derive("submission", str(document), content_sha256)
    return _derive("submission", str(document), content_sha256, begun_at.isoformat())


def part_id(submission: UUID, part: int) -> UUID:
    """The id of a part of a submission."""
    return _derive("part", str(submission), str(part))


def withdrawal_id(document: UUID, withdrawn_at: datetime) -> UUID:
    """The id of the withdrawal of a document."""
    return _derive("withdrawal", str(document), withdrawn_at.isoformat())
