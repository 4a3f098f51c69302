"""One WhatsApp status report as an event."""

from datetime import datetime
from uuid import UUID

from recado.channels.payload import (
    JsonObject,
    Malformed,
    UnknownKind,
    chat_in,
    identifier_in,
    moment_in,
    object_in,
    text_in,
)
from recado.channels.whatsapp.errors import errors_in
from recado.channels.whatsapp.message import conversation
from recado.channels.whatsapp.settings import WhatsAppIntegration
from recado.schemas import ids
from recado.schemas.base import unchecked
from recado.schemas.webhooks import DeliveryStatus, Pricing, StatusReported

MAX_STATUS_LENGTH = 64
_STATUSES = {status.value: status for status in DeliveryStatus}
_reported = unchecked(StatusReported)
_pricing_of = unchecked(Pricing)


def read_status(
    status: JsonObject,
    integration: WhatsAppIntegration,
    *,
    webhook_id: UUID,
    received_at: datetime,
) -> StatusReported:
    """The event. Raises `Malformed` where it does not say what came of which message, and when;
    `UnknownKind` where Meta has a new word for it.

    Whom the message went to need not be told: a report is joined by callback data or message id.
    """
    platform_id = identifier_in(status, "id")
    if platform_id is None:
        raise Malformed("no id")
    reached = text_in(status, "status")
    if reached is None:
        raise Malformed("no status")
    known = _STATUSES.get(reached)
    if known is None:
        raise UnknownKind("not a status that is known", f"status_{reached[:MAX_STATUS_LENGTH]}")
    reported_at = moment_in(status, "timestamp")
    if reported_at is None:
        raise Malformed("no timestamp")
    return _reported(
        id=ids.status_id(integration.name, platform_id, reached, reported_at),
        occurred_at=received_at,
        reported_at=reported_at,
        conversation=conversation(integration, _chat(status) or f"status-of-{platform_id}"),
        integration=integration.name,
        platform_message_id=platform_id,
        status=known,
        callback_data=text_in(status, "biz_opaque_callback_data"),
        errors=errors_in(status),
        pricing=_pricing(status),
        webhook_id=webhook_id,
    )


def _chat(status: JsonObject) -> str | None:
    recipient = chat_in(status, "recipient_id")
    # A group's id is in `recipient_id`; who of it the report is about does not matter here.
    if recipient is not None and text_in(status, "recipient_type") == "group":
        return recipient
    return chat_in(status, "recipient_user_id") or recipient


def _pricing(status: JsonObject) -> Pricing | None:
    part = object_in(status, "pricing")
    if part is None:
        return None
    billable = part.get("billable")
    if not isinstance(billable, bool):
        billable = None
    told = (text_in(part, "category"), text_in(part, "pricing_model"), text_in(part, "type"))
    if billable is None and not any(told):
        return None
    category, model, kind = told
    return _pricing_of(category=category, billable=billable, model=model, type=kind)
