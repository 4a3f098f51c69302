"""What a Telegram message holds: its kind, and Telegram's name of it."""

from recado.channels.payload import JsonObject, object_in, text_in
from recado.schemas.webhooks import MessageKind

SERVICE = (
    "new_chat_members", "left_chat_member", "chat_owner_left", "chat_owner_changed",
    "new_chat_title", "new_chat_photo", "delete_chat_photo", "group_chat_created",
    "supergroup_chat_created", "channel_chat_created", "message_auto_delete_timer_changed",
    "migrate_to_chat_id", "migrate_from_chat_id", "pinned_message", "connected_website",
    "write_access_allowed", "proximity_alert_triggered", "boost_added", "chat_background_set",
    "checklist_tasks_done", "checklist_tasks_added", "direct_message_price_changed",
    "forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened",
    "general_forum_topic_hidden", "general_forum_topic_unhidden", "giveaway_created",
    "giveaway_completed", "managed_bot_created", "paid_message_price_changed",
    "poll_option_added", "poll_option_deleted", "suggested_post_approved",
    "suggested_post_approval_failed", "suggested_post_declined", "suggested_post_paid",
    "suggested_post_refunded", "video_chat_scheduled", "video_chat_started", "video_chat_ended",
    "video_chat_participants_invited", "community_chat_added", "community_chat_removed",
    "community_chat_joined",
)  # fmt: skip
"""Fields of service messages: Telegram wrote these, and nobody waits for an answer."""

CONTENT: dict[str, MessageKind] = {
    "text": MessageKind.TEXT,
    "live_photo": MessageKind.IMAGE,  # it carries a `photo` as well
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
    # Sent by a keyboard's button that opens a web app.
    "web_app_data": MessageKind.INTERACTIVE,
    **dict.fromkeys(SERVICE, MessageKind.SYSTEM),
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
        "show_caption_above_media",
        "has_media_spoiler",
        "effect_id",
        "forward_date",
        "forward_from",
        "forward_from_chat",
        "forward_from_message_id",
        "forward_sender_name",
        "forward_signature",
        "reply_to_checklist_task_id",
        "reply_to_poll_option_id",
        "guest_query_id",
        "guest_bot_caller_user",
        "guest_bot_caller_chat",
        "receiver_user",
        "ephemeral_message_id",
        "is_paid_post",
        "paid_star_count",
        "suggested_post_info",
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
