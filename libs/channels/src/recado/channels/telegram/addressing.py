"""Whether a message was said to the bot.

In a private chat all is. In a group it is what mentions the bot, answers one of its messages or is
a command (https://core.telegram.org/bots/features#privacy-mode); the rest is heard and not
answered. What a bot wrote is never answered, or two bots would talk for ever.

A bot's id is the first part of its token. Its name is in the integration's settings; where it is
not, a command or mention that names *some* bot counts as ours: with privacy mode, Telegram's
default, a bot in a group gets no others.
"""

import re
from collections.abc import Iterator

from recado.channels.payload import JsonObject, identifier_in, object_in, objects_in, text_in
from recado.channels.telegram.context import group_of
from recado.channels.telegram.settings import TelegramIntegration

_COMMAND = re.compile(r"/[a-z0-9_]{1,32}(?:@(?P<bot>\w{1,32}))?(?=\s|$)", re.ASCII | re.IGNORECASE)
_NAME_OF_SOME_BOT = re.compile(r"\w+bot", re.ASCII | re.IGNORECASE)
"""Telegram asks of every bot that its name ends so."""


def is_addressed(message: JsonObject, integration: TelegramIntegration) -> bool:
    """Whether the bot is meant."""
    sender = object_in(message, "from")
    # A group's anonymous administrators write under the name of a bot, and as a chat.
    if sender is not None and sender.get("is_bot") is True and not message.get("sender_chat"):
        return False
    if group_of(message) is None:
        return True
    return (
        _is_command(message, integration)
        or _answers_it(message, integration)
        or any(_names_it(one, integration) for one in _mentions(message))
        or any(
            identifier_in(object_in(entity, "user"), "id") == integration.bot_id
            for entity in _entities(message, "text_mention")
        )
    )


def _is_command(message: JsonObject, integration: TelegramIntegration) -> bool:
    found = _COMMAND.match(_words(message))
    return found is not None and (found["bot"] is None or _names_it(found["bot"], integration))


def _answers_it(message: JsonObject, integration: TelegramIntegration) -> bool:
    replied = object_in(message, "reply_to_message")
    # A topic that the bot opened: every message in it is an "answer" to that.
    if replied is None or replied.get("forum_topic_created") is not None:
        return False
    return identifier_in(object_in(replied, "from"), "id") == integration.bot_id


def _names_it(name: str, integration: TelegramIntegration) -> bool:
    if integration.bot_username is None:
        return _NAME_OF_SOME_BOT.fullmatch(name) is not None
    return name.lower() == integration.bot_username.lower()


def _mentions(message: JsonObject) -> Iterator[str]:
    """The names that are mentioned, without their @. Offsets count UTF-16 units."""
    words = _words(message).encode("utf-16-le", errors="surrogatepass")
    for entity in _entities(message, "mention"):
        offset, length = entity.get("offset"), entity.get("length")
        if isinstance(offset, int) and isinstance(length, int) and 0 <= offset <= len(words):
            named = words[2 * offset : 2 * (offset + length)].decode("utf-16-le", errors="replace")
            yield named.removeprefix("@")


def _entities(message: JsonObject, kind: str) -> Iterator[JsonObject]:
    for name in ("entities", "caption_entities"):
        yield from (one for one in objects_in(message, name) if one.get("type") == kind)


def _words(message: JsonObject) -> str:
    return text_in(message, "text") or text_in(message, "caption") or ""
