"""Events to documents: the story of every conversation.

Every write is idempotent: an event that is recorded twice changes nothing the second time, and the
first delivery's position and time stay. Statuses commute with each other and with the answer that
they are about. The answer's row (`answers`, `outcomes`) does not need the message's, nor the other
way round; either makes the conversation's.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from recado.dispatcher.answers import conversation_of, row_begun
from recado.dispatcher.delivery import Delivery
from recado.dispatcher.documents import MAX_PAYLOAD_CHARACTERS, milliseconds, user_id
from recado.dispatcher.opting import opting
from recado.dispatcher.outgoing import Outgoing, Position
from recado.dispatcher.ports import Change, Document, Documents, Name
from recado.dispatcher.turns import conversation_seen, is_turn, push_turn
from recado.schemas.conversations import ReplyTo
from recado.schemas.events import (
    HandoffReleased,
    HandoffRequested,
    MessageReceived,
    WebhookReceived,
)


class Recording:
    """Writes messages, webhooks, answers that wait, and hand-offs. See `statuses` for statuses."""

    def __init__(self, documents: Documents, *, webhooks_kept: timedelta) -> None:
        self._documents = documents
        self._webhooks_kept = webhooks_kept

    async def webhook(self, event: WebhookReceived, position: Position) -> None:
        """One row a webhook. Its payload is cut to what a document can well hold."""
        received_at = milliseconds(event.occurred_at)
        payload = event.payload[:MAX_PAYLOAD_CHARACTERS]
        row = event.model_dump(
            mode="json", exclude={"type", "id", "occurred_at", "payload", "payload_cut"}
        )
        fields = {
            **row,
            "payload": payload,
            "payload_cut": event.payload_cut or len(payload) < len(event.payload),
            "received_at": received_at,
            "expires_at": received_at + self._webhooks_kept,
            **_place(position),
        }
        await self._documents.apply(
            [Change(Name.WEBHOOKS, str(event.id), {"$setOnInsert": fields}, upsert=True)]
        )

    async def message(self, event: MessageReceived, position: Position) -> None:
        """The customer's message, its turn, its conversation, its user."""
        user = user_id(event.reply_to.platform, event.reply_to.integration, event.user.id)
        row = await self._first(
            str(event.id),
            {
                "conversation": event.conversation,
                "role": "user",
                "kind": event.kind.value,
                "platform_kind": event.platform_kind,
                "text": event.text,
                "user": user,
                "at": milliseconds(event.occurred_at),
                "sent_at": event.sent_at,
                "platform_message_id": event.platform_message_id,
                "quoted_message_id": event.quoted_message_id,
                "webhook_id": str(event.webhook_id),
                **_place(position),
            },
        )
        at = row["at"]
        if not isinstance(at, datetime):
            raise TypeError(f"message {event.id} has no time")
        changes = [
            *_user_seen(event, user, at),
            conversation_seen(
                event.conversation,
                fields={**_address(event.reply_to), "user": user},
                at=at,
                latest={"last_message_at": at},
            ),
            Change(  # who writes has not blocked us any more
                Name.CONVERSATIONS,
                event.conversation,
                {"$set": {"blocked_at": None}},
                guard={"blocked_at": {"$lt": at}},
            ),
        ]
        if event.text and is_turn(event.kind, event.text):
            changes.append(
                push_turn(
                    event.conversation,
                    turn_id=event.id,
                    role="user",
                    text=event.text,
                    at=at,
                    offset=row["offset"],
                )
            )
        await self._documents.apply(changes)

    async def conversation(self, conversation: str) -> Document | None:
        """What is known of it before an answer is sent: who is in charge, when they last wrote."""
        return await self._documents.read(Name.CONVERSATIONS, conversation)

    async def waits(self, answer: Outgoing, delivery: Delivery) -> None:
        """The row of an answer that does not end at its first handling."""
        await self._documents.apply(
            [row_begun(answer, delivery), conversation_of(answer, delivery), *opting(answer)]
        )

    async def handoff(self, event: HandoffRequested | HandoffReleased, position: Position) -> None:
        """Who is in charge from here on. An older event that comes again changes nothing."""
        at = milliseconds(position.timestamp)
        since = milliseconds(event.occurred_at)
        handoff: dict[str, object] | None = None
        if isinstance(event, HandoffRequested):
            handoff = {"since": since, "reason": event.reason}
        change = Change(
            Name.CONVERSATIONS,
            event.conversation,
            {
                "$set": {"handoff": handoff, "handoff_position": [at, position.offset]},
                # The broker's time and offset only grow within a conversation's partition.
                "$setOnInsert": {
                    "is_active": True,
                    "introduced": False,
                    "blocked_at": None,
                    "opened_at": since,
                    "last_activity_at": since,
                    "recent": [],
                },
            },
            guard={
                "$or": [
                    {"handoff_position": {"$exists": False}},
                    {"handoff_position.0": {"$lt": at}},
                    {"handoff_position.0": at, "handoff_position.1": {"$lt": position.offset}},
                ]
            },
            upsert=True,
        )
        await self._documents.apply([change])

    async def _first(self, row_id: str, fields: dict[str, object]) -> Document:
        """The row as its first event made it; a mark or a status may have begun it before."""
        (made,) = await self._documents.apply(
            [
                Change(
                    Name.MESSAGES,
                    row_id,
                    {"$set": fields},
                    guard={"kind": {"$exists": False}},
                    upsert=True,
                )
            ]
        )
        if made:
            return {"_id": row_id, **fields}
        stored = await self._documents.read(Name.MESSAGES, row_id)
        if stored is None:
            raise LookupError(f"the row of {row_id} went away")
        return stored


def _place(position: Position) -> dict[str, object]:
    return {
        "topic": position.topic,
        "partition": position.partition,
        "offset": position.offset,
    }


def _address(reply_to: ReplyTo) -> dict[str, object]:
    return {
        "platform": reply_to.platform,
        "integration": reply_to.integration,
        "chat": reply_to.chat,
        "thread": reply_to.thread,
    }


def _user_seen(event: MessageReceived, user: str, at: datetime) -> tuple[Change, Change]:
    person = event.user
    names: Mapping[str, object] = {
        "name": person.name,
        "username": person.username,
        "language": person.language,
        "named_at": at,
    }
    return (
        Change(
            Name.USERS,
            user,
            {
                "$setOnInsert": {
                    "platform": event.reply_to.platform,
                    "integration": event.reply_to.integration,
                    "user_id": person.id,
                },
                "$min": {"first_seen": at},
                "$max": {"last_seen": at},
                "$addToSet": {"aliases": {"$each": list(person.aliases)}},
            },
            upsert=True,
        ),
        Change(
            Name.USERS,
            user,
            {"$set": names},
            guard={"named_at": {"$not": {"$gte": at}}},
        ),
    )
