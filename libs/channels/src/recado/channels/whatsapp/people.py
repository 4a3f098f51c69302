"""Who a WhatsApp message is from, with or without a telephone number.

Since April 2026 Meta names people by a business-scoped user id: `contacts[].user_id` and
`messages[].from_user_id`. Of somebody with a username the number (`from`, `wa_id`) may be absent.
The user id is the identity where there is one, the number an alias; and the reply goes to the user
id in `recipient`, for in `to` it would be accepted and dropped (Meta, business-scoped-user-ids).
"""

from dataclasses import dataclass

from recado.channels.payload import (
    JsonObject,
    Malformed,
    chat_in,
    list_in,
    object_in,
    text_in,
)
from recado.schemas.conversations import Recipient, User


@dataclass(frozen=True, slots=True)
class Address:
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


class Contacts:
    """The `contacts` of one change, which are not in the order of its messages."""

    def __init__(self, value: JsonObject) -> None:
        contacts = [one for one in list_in(value, "contacts") if isinstance(one, dict)]
        self._by_user_id = {chat_in(one, "user_id"): one for one in contacts}
        self._by_number = {chat_in(one, "wa_id"): one for one in contacts}
        senders = {
            (chat_in(one, "from"), chat_in(one, "from_user_id"))
            for one in list_in(value, "messages")
            if isinstance(one, dict)
        }
        # In some countries `wa_id` is written otherwise than `from`. One contact and one sender
        # belong together all the same; with more of them guessing would mix up people.
        self._only = contacts[0] if len(contacts) == len(senders) == 1 else None

    def sender_of(self, message: JsonObject) -> tuple[User, Address]:
        """Who wrote this message, and where the reply goes. Raises `Malformed` if nobody did."""
        number = chat_in(message, "from")
        user_id = chat_in(message, "from_user_id")
        contact = self._contact(number, user_id)
        wa_id = chat_in(contact, "wa_id")
        user_id = user_id or chat_in(contact, "user_id")
        number = number or wa_id
        to = address(user_id, number)
        others = dict.fromkeys(one for one in (number, wa_id) if one and one != to.chat)
        profile = object_in(contact, "profile") if contact else None
        user = User(
            id=to.chat,
            name=text_in(profile, "name"),
            username=text_in(profile, "username"),
            aliases=tuple(others),
        )
        return user, to

    def _contact(self, number: str | None, user_id: str | None) -> JsonObject | None:
        found = None if user_id is None else self._by_user_id.get(user_id)
        if found is None and number is not None:
            found = self._by_number.get(number)
        if found is not None or self._only is None:
            return found
        other = chat_in(self._only, "user_id")
        return None if user_id and other and user_id != other else self._only
