"""Events to documents: the story of every conversation.

Every write is idempotent: an event that is recorded twice changes nothing the second time, and the
first delivery's position and time stay. Statuses commute with each other and with the answer that
they are about; edits, revokes and reactions with each other and with their message (`amending`);
when a conversation opens and closes is in `conversing`. The answer's row (`answers`, `outcomes`)
does not need the message's, nor the other way round; either makes the conversation's.
"""

from datetime import datetime, timedelta

from recado.dispatcher.amending import amend, join
from recado.dispatcher.answers import conversation_of, reset_by, row_begun
from recado.dispatcher.conversing import blocked, known, said, said_otherwise, unblocked
from recado.dispatcher.delivery import Delivery
from recado.dispatcher.documents import MAX_PAYLOAD_CHARACTERS, milliseconds
from recado.dispatcher.handing import handed_off
from recado.dispatcher.message_rows import message_row
from recado.dispatcher.opting import opting
from recado.dispatcher.outgoing import Outgoing, Position
from recado.dispatcher.ports import Change, Document, Documents, Name
from recado.dispatcher.turns import is_said, is_turn, push_turn
from recado.dispatcher.users import user_seen
from recado.schemas.content import Change as SystemChange
from recado.schemas.conversations import ReplyTo
from recado.schemas.events import (
    HandoffReleased,
    HandoffRequested,
    MessageReceived,
    WebhookReceived,
)


class Recording:
    """Writes messages, webhooks, answers that wait, and hand-offs. See `statuses` for statuses."""

    def __init__(
        self, documents: Documents, *, webhooks_kept: timedelta, closes_after: timedelta
    ) -> None:
        self._documents = documents
        self._webhooks_kept = webhooks_kept
        self._closes_after = closes_after

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
        """The customer's message, its turn, its conversation, its user; or what it changes.

        What it edits, takes back or reacts to is changed with it (`amending`), and it is changed by
        what came before it.
        """
        row = await self._first(str(event.id), message_row(event, position))
        if row.get("forgotten_at") is not None:
            return
        at = row["at"]
        if not isinstance(at, datetime):
            raise TypeError(f"message {event.id} has no time")
        users = user_seen(event, at)
        if is_said(event.kind, addressed=event.addressed):
            await self._said(event, row, at, users)
        else:
            await self._documents.apply([*users, *self._not_said(event, row, at)])
        if "amends" in row:
            await amend(self._documents, row)
        elif isinstance(keys := row.get("platform_keys"), list):
            await join(self._documents, str(event.id), keys)

    async def _said(
        self, event: MessageReceived, row: Document, at: datetime, users: list[Change]
    ) -> None:
        turn = None
        if event.text and is_turn(event.kind, event.text):
            turn = push_turn(
                event.conversation,
                turn_id=event.id,
                role="user",
                text=event.text,
                at=at,
                offset=row["offset"],
            )
        fields = {**_address(event.reply_to), "user": row["user"]}
        sent_at = row.get("sent_at")
        sent_at = sent_at if isinstance(sent_at, datetime) else at
        one = said(
            event.conversation,
            fields=fields,
            at=at,
            sent_at=sent_at,
            closes_after=self._closes_after,
            turn=turn,
        )
        *_, made = await self._documents.apply([*users, one])
        if not made:
            await self._documents.apply(
                said_otherwise(
                    event.conversation,
                    fields=fields,
                    at=at,
                    sent_at=sent_at,
                    closes_after=self._closes_after,
                    turn=turn,
                )
            )

    def _not_said(self, event: MessageReceived, row: Document, at: datetime) -> list[Change]:
        fields = {**_address(event.reply_to), "user": row["user"]}
        changes = [known(event.conversation, fields=fields, at=at)]
        system = None if event.content is None else event.content.system
        if system is not None and system.change is SystemChange.BLOCKED:
            changes.append(blocked(event.conversation, at))
        elif system is not None and system.change is SystemChange.UNBLOCKED:
            changes += unblocked(event.conversation, at)
        return changes

    async def waits(self, answer: Outgoing, delivery: Delivery) -> None:
        """The row of an answer that does not end at its first handling."""
        await self._documents.apply(
            [row_begun(answer, delivery), conversation_of(answer, delivery), *opting(answer)]
        )
        await reset_by(self._documents, answer)

    async def handoff(self, event: HandoffRequested | HandoffReleased, position: Position) -> None:
        """Who is in charge from here on. An older event that comes again changes nothing."""
        await self._documents.apply([handed_off(event, position)])

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
