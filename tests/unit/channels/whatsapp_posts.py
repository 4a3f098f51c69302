"""WhatsApp's webhooks as Meta posts them, and how they are read."""

from datetime import UTC, datetime
from uuid import UUID

import orjson
from pydantic import JsonValue

from recado.channels.contract import ParsedWebhook
from recado.channels.whatsapp import WhatsAppIntegration
from recado.channels.whatsapp.parse import parse

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
WEBHOOK = UUID(int=7)
NUMBER_ID = "100000000000001"

Json = dict[str, JsonValue]


def read(body: bytes | Json, *integrations: WhatsAppIntegration) -> ParsedWebhook:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return parse(raw, integrations, webhook_id=WEBHOOK, received_at=NOW)


def post(*values: Json, field: str = "messages") -> Json:
    entries: list[JsonValue] = [
        {"id": "1", "changes": [{"field": field, "value": value}]} for value in values
    ]
    return {"object": "whatsapp_business_account", "entry": entries}


def value(number_id: str = NUMBER_ID, **content: JsonValue) -> Json:
    metadata: Json = {"display_phone_number": "15550000", "phone_number_id": number_id}
    return {"messaging_product": "whatsapp", "metadata": metadata, **content}


def text(number: str, message_id: str, body: str = "Hola") -> Json:
    return {
        "from": number,
        "id": message_id,
        "timestamp": "1764700000",
        "type": "text",
        "text": {"body": body},
    }


def of_type(kind: str, content: JsonValue, **more: JsonValue) -> Json:
    base: Json = {"from": "51900", "id": "wamid.1", "timestamp": "1764700000", "type": kind}
    return {**base, kind: content, **more}
