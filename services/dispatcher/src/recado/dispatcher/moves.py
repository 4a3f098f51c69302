"""What a platform says about a chat: that it goes on under another id.

A group that becomes a supergroup has another id from then on (Telegram, ResponseParameters and
Message). Its conversation goes on under the key of that id, with the turns, the hand-off and the
introduction of the old one, whose document says where it went.

All of it may be written again, and in any order with what else is written of the conversations.
"""

from datetime import datetime

from recado.dispatcher.documents import RECENT_TURNS, milliseconds
from recado.dispatcher.ports import Change, Documents, Name
from recado.schemas.content import Change as Said
from recado.schemas.conversations import ReplyTo
from recado.schemas.events import MessageReceived
from recado.schemas.ids import conversation_key


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
    """The conversation goes on in another chat."""
    if chat == reply_to.chat:
        return
    key = conversation_key(reply_to.platform, reply_to.integration, chat, reply_to.thread)
    old = await documents.read(Name.CONVERSATIONS, conversation) or {}
    turns = old.get("recent")
    await documents.apply(
        [
            Change(
                Name.CONVERSATIONS,
                key,
                {
                    "$setOnInsert": {
                        "platform": reply_to.platform,
                        "integration": reply_to.integration,
                        "chat": chat,
                        "thread": reply_to.thread,
                        "is_active": True,
                        "introduced": old.get("introduced") is True,
                        "handoff": old.get("handoff"),
                        "opted_out_at": old.get("opted_out_at"),
                        "blocked_at": None,
                    },
                    "$set": {"moved_from": conversation},
                    "$min": {"opened_at": at},
                    "$max": {"last_activity_at": at},
                    "$push": {
                        "recent": {
                            "$each": list(turns) if isinstance(turns, list) else [],
                            "$sort": {"at": 1, "offset": 1, "id": 1},
                            "$slice": -RECENT_TURNS,
                        }
                    },
                },
                guard={"moved_from": None},
                upsert=True,
            ),
            Change(
                Name.CONVERSATIONS,
                conversation,
                {"$set": {"moved_to": key, "is_active": False}},
            ),
        ]
    )
