"""WhatsApp's message types: which kind each is, what text it has, which message it refers to."""

from recado.channels.payload import JsonObject, identifier_in, object_in, text_in
from recado.schemas.webhooks import MessageKind

KINDS: dict[str, MessageKind] = {
    "text": MessageKind.TEXT,
    "image": MessageKind.IMAGE,
    "video": MessageKind.VIDEO,
    "audio": MessageKind.AUDIO,
    "document": MessageKind.DOCUMENT,
    "sticker": MessageKind.STICKER,
    "location": MessageKind.LOCATION,
    "contacts": MessageKind.CONTACTS,
    "reaction": MessageKind.REACTION,
    "interactive": MessageKind.INTERACTIVE,
    "button": MessageKind.BUTTON,
    "order": MessageKind.ORDER,
    "edit": MessageKind.EDIT,
    "revoke": MessageKind.REVOKE,
    "system": MessageKind.SYSTEM,
    "unsupported": MessageKind.UNSUPPORTED,
    # Somebody opened the chat for the first time, and has not written anything yet.
    "request_welcome": MessageKind.SYSTEM,
}
"""Meta's `messages[].type` (webhooks/reference/messages). Any other is `OTHER`."""

NO_TYPE = "unknown"
MAX_TYPE_LENGTH = 64


def type_of(message: JsonObject) -> str:
    """Meta's name of the type; where it is missing, that of the content that is there."""
    named = text_in(message, "type")
    if named is not None:
        return named[:MAX_TYPE_LENGTH]
    return next((name for name in KINDS if message.get(name) is not None), NO_TYPE)


def kind_of(message: JsonObject, platform_kind: str, text: str | None) -> MessageKind:
    """The kind. A text without words is `OTHER`: it can't be read, and is not lost."""
    kind = KINDS.get(platform_kind, MessageKind.OTHER)
    if kind is MessageKind.AUDIO and (object_in(message, "audio") or {}).get("voice") is True:
        return MessageKind.VOICE
    if kind is MessageKind.TEXT and text is None:
        return MessageKind.OTHER
    return kind


def text_of(message: JsonObject, platform_kind: str) -> str | None:
    """The customer's words in it: text, caption, or the title of what was chosen."""
    content = object_in(message, platform_kind)
    if content is None:
        return None
    match platform_kind:
        case "text":
            return text_in(content, "body")
        case "button":
            return text_in(content, "text")
        case "interactive":
            return (
                text_in(object_in(content, "button_reply"), "title")
                or text_in(object_in(content, "list_reply"), "title")
                or text_in(object_in(content, "nfm_reply"), "body")
                # Whatever else Meta lets people choose from by its title.
                or text_in(object_in(content, text_in(content, "type") or ""), "title")
            )
        case "order":
            return text_in(content, "text")
        case "edit":
            inner, inner_kind = edited(message)
            return text_of(inner, inner_kind) if inner and inner_kind != "edit" else None
        case "image" | "video" | "document":
            return text_in(content, "caption")
        case _:
            return None


def edited(message: JsonObject) -> tuple[JsonObject | None, str]:
    """The message as it reads after an edit, and the type of that; None where it is not told."""
    inner = object_in(object_in(message, "edit") or {}, "message")
    return inner, NO_TYPE if inner is None else type_of(inner)


def refers_to(message: JsonObject, platform_kind: str) -> str | None:
    """The platform's id of the message that this one quotes, changes or reacts to."""
    content = object_in(message, platform_kind)
    match platform_kind:
        case "reaction":
            return identifier_in(content, "message_id")
        case "edit" | "revoke":
            return identifier_in(content, "original_message_id")
        case _:
            return identifier_in(object_in(message, "context"), "id")
