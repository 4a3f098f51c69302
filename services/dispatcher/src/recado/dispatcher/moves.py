"""What a platform says about a chat: that it goes on under another id.

A group that becomes a supergroup has another id from then on (Telegram, ResponseParameters and
Message). Its conversation goes on under the key of that id, with what holds in the old one: its
turns, whether it is open, who is in charge, whether answers are wanted. Its document says where it
went.

All of it may be written again, and in any order with what else is written of the conversations.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from recado.dispatcher.documents import milliseconds
from recado.dispatcher.forgotten import without_turns
from recado.dispatcher.handing import handed_off_before
from recado.dispatcher.ports import Change, Document, Documents, Name
from recado.dispatcher.turns import CONVERSATION_BEGUN, pushed
from recado.schemas.content import Change as Said
from recado.schemas.conversations import ReplyTo
from recado.schemas.events import MessageReceived
from recado.schemas.ids import conversation_key

GAP: Final = timedelta(days=1)
"""Between what was last said there and first said here: if it is longer, this is another one."""

_OPEN_OR_CLOSED: Final = ("opened_at", "is_active", "closed_at", "closed_by")

Update: TypeAlias = Mapping[str, Mapping[str, object]]


async def record_change(documents: Documents, event: MessageReceived) -> None:
    """Record what the message says about the chat itself, if it is such a one."""
    system = event.content.system if event.content is not None else None
    if system is None:
        return
    at = milliseconds(event.occurred_at)
    if system.change is Said.CHAT_MOVED and system.new is not None:
        await move(documents, event.conversation, event.reply_to, system.new, at)


async def move(
    documents: Documents, conversation: str, reply_to: ReplyTo, chat: str, at: datetime
) -> None:
    """The conversation goes on in another chat. Repeated, it takes along what came since."""
    if chat == reply_to.chat:
        return
    key = conversation_key(reply_to.platform, reply_to.integration, chat, reply_to.thread)
    old = await documents.read(Name.CONVERSATIONS, conversation) or {}
    begun = {
        **CONVERSATION_BEGUN,
        "platform": reply_to.platform,
        "integration": reply_to.integration,
        "chat": chat,
        "thread": reply_to.thread,
    }
    there = Change(
        Name.CONVERSATIONS,
        key,
        {
            "$setOnInsert": begun,
            "$set": {"moved_from": conversation},
            "$max": {"last_activity_at": at},
        },
        upsert=True,
    )
    left = {"moved_to": key, "is_active": False, "closed_at": None, "closed_by": None}
    await documents.apply(
        [
            there,
            *_taken_along(key, old),
            Change(Name.CONVERSATIONS, conversation, {"$set": left}),
        ]
    )
    await _without_forgotten(documents, key, old)


async def _without_forgotten(documents: Documents, key: str, old: Document) -> None:
    """Take back the turns of who is forgotten since the old conversation was read."""
    turns = old.get("recent")
    ids = [str(turn["id"]) for turn in turns] if isinstance(turns, list) else []
    rows = await documents.read_many(Name.MESSAGES, ids) if ids else []
    gone = [str(row["_id"]) for row in rows if row.get("forgotten_at") is not None]
    if gone:
        await documents.apply([without_turns(key, {"id": {"$in": gone}})])


def _taken_along(key: str, old: Document) -> Iterator[Change]:
    """What holds there as well. Nothing that is newer there is replaced."""

    def change(update: Update, guard: Mapping[str, object] | None = None) -> Change:
        return Change(Name.CONVERSATIONS, key, update, guard=guard or {})

    if old.get("introduced") is True:
        yield change({"$set": {"introduced": True}})
    opted_at = old.get("opted_at")
    if opted_at is not None:
        opted = {"opted_at": opted_at, "opted_out_at": old.get("opted_out_at")}
        yield change({"$set": opted}, {"opted_at": {"$not": {"$gte": opted_at}}})
    position = old.get("handoff_position")
    if isinstance(position, list):
        update = {"$set": {"handoff": old.get("handoff"), "handoff_position": position}}
        yield change(update, handed_off_before(*position))
    opened_at, said_at = old.get("opened_at"), old.get("last_message_at")
    if isinstance(said_at, datetime) and opened_at and old.get("moved_to") is None:
        state = {name: old.get(name) for name in _OPEN_OR_CLOSED}
        yield change({"$set": state}, {"opened_at": {"$exists": False}})
        yield change({"$min": {"opened_at": opened_at}}, {"opened_at": {"$lte": said_at + GAP}})
    latest = {
        name: old[name]
        for name in ("last_activity_at", "last_message_at", "last_sent_at", "history_from")
        if old.get(name) is not None
    }
    if latest:
        yield change({"$max": latest})
    turns = old.get("recent")
    for turn in turns if isinstance(turns, list) else ():
        yield pushed(key, turn)
