"""What a Telegram message stands in: quoted, forwarded, in a group, in an album.

Fields: https://core.telegram.org/bots/api#message.
"""

from recado.channels.payload import JsonObject, identifier_in, object_in, text_in
from recado.schemas.context import Context, Group, Quoted

PRIVATE = "private"
MAX_TYPE_LENGTH = 32
_FORWARDED = ("forward_origin", "forward_date")


def context_of(
    message: JsonObject, *, changes: tuple[str, ...] = (), by_business: bool = False
) -> Context | None:
    """What the message stands in; None where it stands for itself."""
    group = group_of(message)
    if group is None and not changes and not by_business and _TELLING.isdisjoint(message):
        return None
    context = Context(
        quoted=_quoted(message),
        changes=changes,
        forwarded=any(message.get(name) is not None for name in _FORWARDED),
        group=group,
        album=identifier_in(message, "media_group_id"),
        by_business=by_business,
    )
    return None if context == _NOTHING else context


_NOTHING = Context()
_TELLING = frozenset({"reply_to_message", "quote", "media_group_id", *_FORWARDED})
"""Without any of these a message in a chat of two stands for itself."""


def group_of(place: JsonObject) -> Group | None:
    """The chat that is not one person's. A chat of no type, typed by hand, is a private one."""
    chat = object_in(place, "chat")
    kind = text_in(chat, "type")
    if kind is None or kind == PRIVATE:
        return None
    return Group(type=kind[:MAX_TYPE_LENGTH], title=text_in(chat, "title"))


def _quoted(message: JsonObject) -> Quoted | None:
    replied = object_in(message, "reply_to_message")
    # Every message in a topic "answers" the service message that began the topic.
    if replied is not None and replied.get("forum_topic_created") is not None:
        replied = None
    quote = text_in(object_in(message, "quote"), "text")
    if replied is None and quote is None:
        return None
    return Quoted(
        message_id=identifier_in(replied, "message_id"),
        user_id=identifier_in(None if replied is None else object_in(replied, "from"), "id"),
        text=quote or text_in(replied, "text") or text_in(replied, "caption"),
    )
