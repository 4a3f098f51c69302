"""The parts that messages and answers share: who wrote, where, and where the reply goes."""

from enum import StrEnum

from pydantic import Field

from recado.schemas.base import Model, PlatformName


class Recipient(StrEnum):
    """How a platform wants the receiver named.

    WhatsApp takes a telephone number in `to` and a user id in `recipient`; a user id in `to` is
    accepted and dropped without a word (Meta, business-scoped user ids, 2026).
    """

    PHONE = "phone"
    USER_ID = "user_id"
    CHAT = "chat"


class ReplyTo(Model):
    """A reply's full address. Enough to send, with the integration's credentials."""

    platform: PlatformName
    integration: str = Field(min_length=1)
    chat: str = Field(min_length=1, description="The receiver, as `recipient` says")
    recipient: Recipient
    thread: str | None = None
    business_connection: str | None = Field(
        default=None, description="Telegram: the business connection the message came through"
    )


class User(Model):
    """Who wrote. `id` is the platform's most lasting name for the person."""

    id: str = Field(min_length=1)
    name: str | None = None
    username: str | None = None
    language: str | None = Field(default=None, description="IETF tag, if the platform tells it")
    aliases: tuple[str, ...] = Field(
        default=(), description="Other ids of the same person, such as a telephone number"
    )
