"""Who an update of Telegram's is from, and which chat it is in."""

from recado.channels.payload import (
    JsonObject,
    Malformed,
    chat_in,
    identifier_in,
    object_in,
    text_in,
)
from recado.schemas.base import unchecked
from recado.schemas.conversations import User

_user = unchecked(User)


def chat_of(place: JsonObject) -> str:
    """The chat's id. Raises `Malformed` where there is none."""
    chat = chat_in(object_in(place, "chat"), "id")
    if chat is None:
        raise Malformed("no chat.id")
    return chat


def user_of(content: JsonObject, place: JsonObject) -> User:
    """Who did it. Where Telegram does not say, it is the chat: a private one has its user's id."""
    sender = object_in(content, "from") or object_in(content, "user")
    who = sender if identifier_in(sender, "id") is not None else object_in(place, "chat")
    names = (text_in(who, "first_name"), text_in(who, "last_name"))
    return _user(
        id=identifier_in(who, "id") or chat_of(place),
        name=" ".join(name for name in names if name) or text_in(who, "title"),
        username=text_in(who, "username"),
        language=text_in(who, "language_code"),
    )
