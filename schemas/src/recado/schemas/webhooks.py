"""What ingress writes: webhooks as they came, and the messages and statuses in them."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import Field, JsonValue

from recado.schemas.base import Model, Moment
from recado.schemas.content import Content
from recado.schemas.context import Context
from recado.schemas.conversations import ReplyTo, User

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
"""A webhook's payload beyond this is cut; its size and hash are of the whole."""


class WebhookOutcome(StrEnum):
    """What became of a webhook at the door."""

    ACCEPTED = "accepted"  # read; its events are in Kafka
    IGNORED = "ignored"  # authentic, but nothing in it is for us (an account update)
    UNREADABLE = "unreadable"  # authentic, but not what the platform documents
    UNKNOWN_INTEGRATION = "unknown_integration"  # authentic, for a number that is not configured
    REJECTED = "rejected"  # not authentic
    VERIFIED = "verified"  # WhatsApp's handshake succeeded


class AccountChange(Model):
    """Something about the business's own account: a template, its quality, an alert.

    What exactly is in the webhook's payload.
    """

    type: str = Field(description="The platform's name of what changed")
    event: str | None = Field(default=None, description="What became of it, where that has a name")
    account: str | None = Field(default=None, description="The platform's id of the account")
    integration: str | None = Field(default=None, description="None where it could not be told")
    changed_at: Moment | None = Field(default=None, description="The platform's time")


class WebhookReceived(Model):
    """A request to a webhook address, whatever became of it."""

    type: Literal["webhook.received"] = "webhook.received"
    id: UUID
    occurred_at: Moment
    platform: str = Field(description="As the path named it")
    integration: str | None = Field(description="None where it could not be told")
    event_type: str = Field(description="message, status, update kind, verification, unknown …")
    outcome: WebhookOutcome
    status: int = Field(ge=100, le=599, description="The HTTP status that was answered")
    error: str | None = None
    payload: str = Field(description="The body: as text, or as base64 where it is not UTF-8")
    payload_encoding: Literal["utf-8", "base64"] = "utf-8"
    payload_bytes: int = Field(ge=0, description="Size of the whole body")
    payload_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    payload_cut: bool = Field(default=False, description="Only the beginning of it is here")
    event_ids: tuple[UUID, ...] = Field(
        default=(), description="The messages and statuses that were in it, in their order"
    )
    repeats: int = Field(
        default=0, ge=0, description="How many of them were in Kafka already: published once"
    )
    account_changes: tuple[AccountChange, ...] = Field(
        default=(), description="What was in it about the account, the first 100 of it"
    )


class MessageKind(StrEnum):
    """What a message is. A kind that is not listed is `OTHER`; `platform_kind` names it."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    VOICE = "voice"
    DOCUMENT = "document"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACTS = "contacts"
    REACTION = "reaction"
    INTERACTIVE = "interactive"
    BUTTON = "button"
    CALLBACK = "callback"
    ORDER = "order"
    EDIT = "edit"
    REVOKE = "revoke"
    SYSTEM = "system"
    UNSUPPORTED = "unsupported"
    OTHER = "other"


class PlatformError(Model):
    """An error in the platform's words. Never holds a message body."""

    code: int | str
    title: str | None = None
    message: str | None = None


class MessageReceived(Model):
    """A customer wrote. One event for each message of a webhook, text or not."""

    type: Literal["message.received"] = "message.received"
    id: UUID
    occurred_at: Moment = Field(description="When ingress took it")
    sent_at: Moment | None = Field(description="The platform's time, whole seconds")
    conversation: str
    reply_to: ReplyTo
    user: User
    platform_message_id: str | None = Field(
        description="None: it came without an id, and a repeat of it is not recognised"
    )
    kind: MessageKind
    platform_kind: str = Field(description="The platform's own name of the kind")
    text: str | None = Field(default=None, description="Text, caption or the button's title")
    quoted_message_id: str | None = Field(
        default=None, description="The platform's id of the message that this one refers to"
    )
    raw: dict[str, JsonValue] | None = Field(
        default=None, description="The message as it came, for every kind but text"
    )
    content: Content | None = Field(default=None, description="None: nothing beside the text")
    context: Context | None = Field(default=None, description="None: it stands for itself")
    addressed: bool = Field(
        default=True,
        description="Whether it was said to us: in a group not everything is, nor is what the "
        "business or another bot wrote",
    )
    errors: tuple[PlatformError, ...] = Field(
        default=(), description="Why the platform did not hand on what was sent"
    )
    webhook_id: UUID


class DeliveryStatus(StrEnum):
    """How far an outgoing message came, in rank order."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"


class Pricing(Model):
    """What the platform charges for a message (Meta, webhooks/reference/messages/status)."""

    category: str | None = Field(default=None, description="service, utility, marketing …")
    billable: bool | None = None
    model: str | None = Field(default=None, description="PMP: by the message")
    type: str | None = Field(default=None, description="regular, free_customer_service …")


class StatusReported(Model):
    """A platform reported on a message that was sent. Reports come in any order, or not at all.

    It is joined with what was sent by `callback_data`, else by `platform_message_id`, and never by
    `conversation`: the report may name the customer by another id than the message went to.
    """

    type: Literal["status.reported"] = "status.reported"
    id: UUID
    occurred_at: Moment
    reported_at: Moment = Field(description="The platform's time")
    conversation: str = Field(
        description="As far as the report tells; one that names nobody has a key of its own"
    )
    integration: str
    platform_message_id: str
    status: DeliveryStatus
    callback_data: str | None = Field(
        default=None, description="What was sent along, back again: names answer and part"
    )
    errors: tuple[PlatformError, ...] = ()
    pricing: Pricing | None = None
    webhook_id: UUID
