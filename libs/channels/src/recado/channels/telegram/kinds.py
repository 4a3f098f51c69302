"""What a Telegram message holds: its kind, and Telegram's name of it."""

from recado.channels.payload import JsonObject, object_in, text_in
from recado.schemas.webhooks import MessageKind

CONTENT: dict[str, MessageKind] = {
    "text": MessageKind.TEXT,
    "photo": MessageKind.IMAGE,
    # Before `document`, which an animation carries as well.
    "animation": MessageKind.VIDEO,
    "video": MessageKind.VIDEO,
    "video_note": MessageKind.VIDEO,
    "voice": MessageKind.VOICE,
    "audio": MessageKind.AUDIO,
    "document": MessageKind.DOCUMENT,
    "sticker": MessageKind.STICKER,
    "venue": MessageKind.LOCATION,
    "location": MessageKind.LOCATION,
    "contact": MessageKind.CONTACTS,
    "new_chat_members": MessageKind.SYSTEM,
    "left_chat_member": MessageKind.SYSTEM,
    "new_chat_title": MessageKind.SYSTEM,
    "new_chat_photo": MessageKind.SYSTEM,
    "delete_chat_photo": MessageKind.SYSTEM,
    "group_chat_created": MessageKind.SYSTEM,
    "supergroup_chat_created": MessageKind.SYSTEM,
    "channel_chat_created": MessageKind.SYSTEM,
    "message_auto_delete_timer_changed": MessageKind.SYSTEM,
    "migrate_to_chat_id": MessageKind.SYSTEM,
    "migrate_from_chat_id": MessageKind.SYSTEM,
    "pinned_message": MessageKind.SYSTEM,
    "forum_topic_created": MessageKind.SYSTEM,
    "forum_topic_edited": MessageKind.SYSTEM,
    "forum_topic_closed": MessageKind.SYSTEM,
    "forum_topic_reopened": MessageKind.SYSTEM,
}
"""Fields of a message that say what it is (https://core.telegram.org/bots/api#message)."""

ENVELOPE = frozenset(
    {
        "message_id",
        "message_thread_id",
        "direct_messages_topic",
        "from",
        "sender_chat",
        "sender_boost_count",
        "sender_business_bot",
        "sender_tag",
        "date",
        "edit_date",
        "business_connection_id",
        "chat",
        "forward_origin",
        "is_topic_message",
        "is_automatic_forward",
        "reply_to_message",
        "external_reply",
        "quote",
        "reply_to_story",
        "via_bot",
        "has_protected_content",
        "is_from_offline",
        "media_group_id",
        "author_signature",
        "entities",
        "caption",
        "caption_entities",
        "effect_id",
        "link_preview_options",
        "reply_markup",
    }
)
"""Fields that say nothing of it."""

UNKNOWN = "unknown"
MAX_NAME_LENGTH = 64


def kind_of(message: JsonObject) -> tuple[MessageKind, str]:
    """The kind and Telegram's name of it. An unlisted one is `OTHER`, by its field's name."""
    for name, kind in CONTENT.items():
        if message.get(name) is not None:
            readable = kind is not MessageKind.TEXT or text_of(message) is not None
            return (kind if readable else MessageKind.OTHER), name
    other = next((key for key in message if key not in ENVELOPE), UNKNOWN)
    return MessageKind.OTHER, other[:MAX_NAME_LENGTH] or UNKNOWN


def text_of(message: JsonObject) -> str | None:
    """Text or caption."""
    return text_in(message, "text") or text_in(message, "caption")


def is_own(message: JsonObject) -> bool:
    """Whether the business wrote it, itself or through a bot, rather than the customer.

    A business connection's messages of both directions come in. In a private chat the customer is
    whom the chat is with.
    """
    chat = object_in(message, "chat") or {}
    sender = object_in(message, "from") or {}
    if message.get("sender_business_bot") is not None:
        return True
    return sender.get("id") is not None and sender.get("id") != chat.get("id")
