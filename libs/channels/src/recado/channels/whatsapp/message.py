"""One WhatsApp message as an event."""

from datetime import datetime
from uuid import UUID

from recado.channels.payload import (
    JsonObject,
    as_it_came,
    identifier_in,
    moment_in,
)
from recado.channels.whatsapp import kinds
from recado.channels.whatsapp.content import content_of
from recado.channels.whatsapp.context import answers_us, context_of, group_of
from recado.channels.whatsapp.errors import errors_in
from recado.channels.whatsapp.people import Contacts
from recado.channels.whatsapp.settings import WhatsAppIntegration
from recado.schemas import ids
from recado.schemas.base import Platform, unchecked
from recado.schemas.conversations import Recipient, ReplyTo
from recado.schemas.webhooks import MessageKind, MessageReceived

_PLATFORM = Platform.WHATSAPP.value
_received = unchecked(MessageReceived)
_reply_to = unchecked(ReplyTo)


def read_message(
    message: JsonObject,
    contacts: Contacts,
    integration: WhatsAppIntegration,
    *,
    metadata: JsonObject | None,
    webhook_id: UUID,
    received_at: datetime,
) -> MessageReceived:
    """The event. Raises `Malformed` where nobody wrote it, or it can't be kept.

    A group is a conversation of its own. In one only an answer to a message of ours is said to us;
    `metadata` names the business's number.
    """
    user, (chat, recipient) = contacts.sender_of(message)
    group = group_of(message)
    if group is not None:
        chat, recipient = group, Recipient.CHAT
    platform_id = identifier_in(message, "id")
    platform_kind = kinds.type_of(message)
    text = kinds.text_of(message, platform_kind)
    kind = kinds.kind_of(message, platform_kind, text)
    name = integration.name
    return _received(
        id=ids.fresh_id()
        if platform_id is None
        else ids.message_id(name, "message", chat, platform_id),
        occurred_at=received_at,
        sent_at=moment_in(message, "timestamp"),
        conversation=conversation(integration, chat),
        reply_to=_reply_to(platform=_PLATFORM, integration=name, chat=chat, recipient=recipient),
        user=user,
        platform_message_id=platform_id,
        kind=kind,
        platform_kind=platform_kind,
        text=text,
        quoted_message_id=kinds.refers_to(message, platform_kind),
        raw=None if kind is MessageKind.TEXT else as_it_came(message),
        content=content_of(message, platform_kind),
        context=context_of(message, platform_kind),
        addressed=group is None or answers_us(message, metadata),
        errors=errors_in(message),
        webhook_id=webhook_id,
    )


def conversation(integration: WhatsAppIntegration, chat: str) -> str:
    """The key of a conversation."""
    return ids.conversation_key(_PLATFORM, integration.name, chat)
