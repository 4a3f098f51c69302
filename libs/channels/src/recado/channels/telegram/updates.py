"""Reactions, and who may be written to: updates about a chat that are no messages."""

from recado.channels.payload import (
    JsonObject,
    identifier_in,
    list_in,
    moment_in,
    object_in,
    objects_in,
    text_in,
)
from recado.channels.telegram.context import group_of
from recado.schemas.content import Change, Content, Reaction, SystemChange
from recado.schemas.webhooks import AccountChange

_IN = frozenset({"creator", "administrator", "member", "restricted"})
"""https://core.telegram.org/bots/api#chatmember: the others are `left` and `kicked`."""


def reaction_to(update: JsonObject) -> Content:
    """The reaction as it is now: the first, where somebody put several.

    https://core.telegram.org/bots/api#messagereactionupdated
    """
    now = next(objects_in(update, "new_reaction"), None)
    emoji = text_in(now, "emoji")
    custom = identifier_in(now, "custom_emoji_id") or text_in(now, "type")
    return Content(
        reaction=Reaction(
            message_id=identifier_in(update, "message_id"),
            emoji=emoji,
            custom=custom if emoji is None else None,
        )
    )


def standing_of_bot(update: JsonObject) -> Content:
    """Whether the bot may write there now (https://core.telegram.org/bots/api#chatmemberupdated).

    In a private chat `kicked` means that the user blocked it, and `member` that no longer.
    """
    old, new = (
        text_in(object_in(update, name), "status")
        for name in ("old_chat_member", "new_chat_member")
    )
    if new is None or old == new:
        change = Change.OTHER
    elif group_of(update) is None:
        change = Change.UNBLOCKED if new in _IN else Change.BLOCKED
    elif (new in _IN) != (old in _IN):
        change = Change.JOINED if new in _IN else Change.REMOVED
    else:
        change = Change.OTHER
    return Content(system=SystemChange(change=change, old=old, new=new))


def deleted_in(update: JsonObject) -> tuple[str, ...]:
    """The messages that were deleted from a business's chat."""
    numbers = list_in(update, "message_ids")
    return tuple(str(one) for one in numbers if isinstance(one, int) and not isinstance(one, bool))


def business_connection(connection: JsonObject, integration: str) -> AccountChange:
    """A business account was connected with the bot, changed what it may do, or left.

    https://core.telegram.org/bots/api#businessconnection
    """
    enabled = connection.get("is_enabled")
    event = None
    if isinstance(enabled, bool):
        event = "enabled" if enabled else "disabled"
    return AccountChange(
        type="business_connection",
        event=event,
        account=identifier_in(connection, "id"),
        integration=integration,
        changed_at=moment_in(connection, "date"),
    )
