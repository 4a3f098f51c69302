"""What a message holds beside its text, the same for every platform.

A message may hold several of these at once (an order with a text, a place with its name), so they
are fields side by side and no union: a reader takes what it knows, and one that is older than a
field never sees it. What the platform did not tell is None; what it told in a form that nobody
expected is in the message's `raw` only, and costs nothing else.
"""

from datetime import timedelta
from enum import StrEnum

from pydantic import Field, JsonValue

from recado.schemas.base import Model


class MediaKind(StrEnum):
    """What a file is to whoever looks at it."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    VOICE = "voice"  # recorded for this message
    DOCUMENT = "document"
    STICKER = "sticker"


class Media(Model):
    """A file. Its bytes are the platform's: they are fetched with `id` and the credentials.

    WhatsApp keeps it for 7 days (Meta, business-phone-numbers/media).
    """

    kind: MediaKind
    id: str
    unique_id: str | None = Field(
        default=None, description="The same for the same file, whoever sends it (Telegram)"
    )
    mime_type: str | None = None
    sha256: str | None = Field(default=None, description="In base64, as WhatsApp tells it")
    file_name: str | None = Field(default=None, description="The customer's own: trust nothing")
    size: int | None = Field(default=None, ge=0, description="Bytes")
    duration: timedelta | None = None
    animated: bool = False


class Location(Model):
    """A place."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: str | None = None
    address: str | None = None
    url: str | None = None


class SharedContact(Model):
    """Somebody's card. Not the customer's own, unless `user_id` says so."""

    name: str | None = None
    phones: tuple[str, ...] = ()
    user_id: str | None = Field(default=None, description="The person's id on the platform")
    organisation: str | None = None


class Reaction(Model):
    """What somebody put to a message. Taken away again where it has neither emoji nor custom."""

    message_id: str | None = Field(description="The message reacted to")
    emoji: str | None = None
    custom: str | None = Field(
        default=None, description="The platform's id of one that is no emoji of Unicode"
    )


class Choice(Model):
    """What was chosen of what a message offered: a button, a line of a list, a form filled in."""

    source: str = Field(description="The platform's name of it: button_reply, list_reply …")
    id: str | None = Field(default=None, description="What whoever offered it named it by")
    title: str | None = Field(default=None, description="What the customer saw")
    description: str | None = None
    form: dict[str, JsonValue] | None = Field(default=None, description="The fields of a form")


class OrderItem(Model):
    """A line of an order."""

    product_id: str
    quantity: float | None = None
    price: float | None = Field(default=None, description="Of one, in `currency`")
    currency: str | None = None


class Order(Model):
    """Products of a catalogue that the customer wants."""

    catalog_id: str | None = None
    text: str | None = None
    items: tuple[OrderItem, ...] = ()


class Change(StrEnum):
    """What changed about the customer or the chat. What is not listed is `OTHER`."""

    NUMBER_CHANGED = "number_changed"
    USER_ID_CHANGED = "user_id_changed"
    IDENTITY_CHANGED = "identity_changed"  # the security code: perhaps another person's phone
    CHAT_MOVED = "chat_moved"  # a group goes on under another id
    BLOCKED = "blocked"  # nothing can be sent to the customer until `UNBLOCKED`
    UNBLOCKED = "unblocked"
    JOINED = "joined"  # we were put into a group
    REMOVED = "removed"  # and out of it
    OTHER = "other"


class SystemChange(Model):
    """Something that the platform says about the customer or the chat."""

    change: Change
    old: str | None = Field(default=None, description="The number or id until now")
    new: str | None = Field(default=None, description="The number or id from now on")
    text: str | None = Field(default=None, description="The platform's own words")


class Content(Model):
    """All that a message holds beside its text."""

    media: Media | None = None
    location: Location | None = None
    contacts: tuple[SharedContact, ...] = ()
    reaction: Reaction | None = None
    choice: Choice | None = None
    order: Order | None = None
    system: SystemChange | None = None
    unsupported: str | None = Field(
        default=None, description="The platform's name of what it does not hand on"
    )
