"""Who a WhatsApp message is from, with or without a telephone number.

Since April 2026 Meta names people by a business-scoped user id: `contacts[].user_id` and
`messages[].from_user_id`. Of somebody with a username the number (`from`, `wa_id`) may be absent.
The user id is the identity where there is one, the number an alias; and the reply goes to the user
id in `recipient`, for in `to` it would be accepted and dropped (Meta, business-scoped-user-ids).
"""

from typing import NamedTuple

from recado.channels.payload import (
    JsonObject,
    Malformed,
    chat_in,
    list_in,
    object_in,
    text_in,
)
from recado.schemas.base import unchecked
from recado.schemas.conversations import Recipient, User


class Address(NamedTuple):
    """Where a reply to somebody goes."""

    chat: str
    recipient: Recipient


def address(user_id: str | None, number: str | None) -> Address:
    """The user id if there is one, else the number. Raises `Malformed` where there is neither."""
    if user_id is not None:
        return Address(user_id, Recipient.USER_ID)
    if number is not None:
        return Address(number, Recipient.PHONE)
    raise Malformed("names nobody: neither a user id nor a number")


_user = unchecked(User)


class _Card(NamedTuple):
    """One of the contacts."""

    user_id: str | None
    wa_id: str | None
    content: JsonObject


class Contacts:
    """The `contacts` of one change, which are not in the order of its messages."""

    def __init__(self, value: JsonObject) -> None:
        cards = [
            _Card(chat_in(one, "user_id"), chat_in(one, "wa_id"), one)
            for one in list_in(value, "contacts")
            if isinstance(one, dict)
        ]
        # In some countries `wa_id` is written otherwise than `from`. One contact and one sender
        # belong together all the same; with more of them guessing would mix up people.
        self._only = cards[0] if len(cards) == 1 and _senders(value) == 1 else None
        self._by_user_id = {one.user_id: one for one in cards}
        self._by_number = {one.wa_id: one for one in cards}

    def sender_of(self, message: JsonObject) -> tuple[User, Address]:
        """Who wrote this message, and where the reply goes. Raises `Malformed` if nobody did."""
        number = chat_in(message, "from")
        user_id = chat_in(message, "from_user_id")
        card = self._card(number, user_id)
        if card is None:
            to = address(user_id, number)
            return _user(id=to.chat, aliases=_aliases(to.chat, number, None)), to
        to = address(user_id or card.user_id, number or card.wa_id)
        profile = object_in(card.content, "profile")
        user = _user(
            id=to.chat,
            name=text_in(profile, "name"),
            username=text_in(profile, "username"),
            aliases=_aliases(to.chat, number, card.wa_id),
        )
        return user, to

    def _card(self, number: str | None, user_id: str | None) -> _Card | None:
        found = None if user_id is None else self._by_user_id.get(user_id)
        if found is None and number is not None:
            found = self._by_number.get(number)
        if found is not None or self._only is None:
            return found
        other = self._only.user_id
        return None if user_id and other and user_id != other else self._only


def _senders(value: JsonObject) -> int:
    """How many people wrote the messages."""
    messages = list_in(value, "messages")
    if len(messages) == 1:
        return 1
    found = (one for one in messages if isinstance(one, dict))
    return len({(chat_in(one, "from"), chat_in(one, "from_user_id")) for one in found})


def _aliases(chat: str, number: str | None, wa_id: str | None) -> tuple[str, ...]:
    """The numbers that the chat is not named by, each once."""
    first = () if number is None or number == chat else (number,)
    return first if wa_id is None or wa_id in (chat, number) else (*first, wa_id)
