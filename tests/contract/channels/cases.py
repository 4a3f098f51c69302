"""What one platform's webhooks and answers look like: a new platform adds a `Case`."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import orjson
from pydantic import JsonValue

from recado.channels.contract import Channel, Integration, ParsedWebhook, WebhookRequest
from recado.schemas.base import Platform
from recado.schemas.webhooks import MessageReceived

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
WEBHOOK = UUID(int=7)
ELSEWHERE = "203.0.113.5"
HERE = "127.0.0.1"
SECRET = "s3cret-of-the-webhook"


@dataclass(frozen=True)
class Case:
    """What one platform's webhooks and answers look like."""

    platform: Platform
    settings: dict[str, JsonValue]
    """An integration whose webhook secret is `SECRET`."""
    header: str
    """The header that proves a webhook."""
    prove: Callable[[bytes], str]
    """Its right value for a body."""
    message: dict[str, JsonValue]
    """A webhook with the text `Hola`, and ids."""
    nameless: dict[str, JsonValue]
    """The same as short as a person would type it, without ids."""
    other_kind: dict[str, JsonValue]
    """A webhook with a message of a kind that nobody knows."""
    accepted: JsonValue
    """The answer to a message that was sent; its id is `77`."""
    attended: JsonValue
    """The answer to a read mark or a typing indicator."""
    max_text: int


def _sign(body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def _whatsapp(message: dict[str, JsonValue]) -> dict[str, JsonValue]:
    metadata: dict[str, JsonValue] = {"phone_number_id": "1"}
    change: JsonValue = {
        "field": "messages",
        "value": {"metadata": metadata, "messages": [message]},
    }
    return {"entry": [{"id": "9", "changes": [change]}]}


WHATSAPP = Case(
    platform=Platform.WHATSAPP,
    settings={
        "phone_number_id": "1",
        "access_token": "t0ken-to-send",
        "app_secret": SECRET,
        "verify_token": "v",
    },
    header="x-hub-signature-256",
    prove=_sign,
    message=_whatsapp(
        {"from": "51900", "id": "wamid.1", "timestamp": "1764700000", "type": "text",
         "text": {"body": "Hola"}}
    ),
    nameless={
        "entry": [
            {"changes": [{"value": {"messages": [{"from": "123456", "text": {"body": "Hola"}}]}}]}
        ]
    },
    other_kind=_whatsapp({"from": "51900", "id": "wamid.2", "type": "hologram", "hologram": {}}),
    accepted={"messages": [{"id": "77"}]},
    attended={"success": True},
    max_text=4096,
)  # fmt: skip

TELEGRAM = Case(
    platform=Platform.TELEGRAM,
    settings={"bot_token": "42:t0ken-to-send", "secret_token": SECRET},
    header="x-telegram-bot-api-secret-token",
    prove=lambda _: SECRET,
    message={
        "update_id": 5,
        "message": {"message_id": 1, "date": 1764700000, "chat": {"id": 9}, "text": "Hola"},
    },
    nameless={"message": {"chat": {"id": 123456}, "text": "Hola"}},
    other_kind={"update_id": 6, "message": {"message_id": 2, "chat": {"id": 9}, "hologram": {}}},
    accepted={"ok": True, "result": {"message_id": 77}},
    attended={"ok": True, "result": True},
    max_text=4096,
)

CASES = (WHATSAPP, TELEGRAM)


def make(case: Case, channel: Channel, **more: JsonValue) -> Integration:
    base: dict[str, JsonValue] = {"name": "one", "platform": case.platform.value}
    return channel.integration_type.model_validate({**base, **case.settings, **more})


def request(case: Case, body: bytes, **changes: str | None) -> WebhookRequest:
    """A request that is authentic, but for the changes: `proof` and `client`."""
    proof = changes.get("proof", case.prove(body))
    headers = {"content-type": "application/json"}
    if proof is not None:
        headers[case.header] = proof
    return WebhookRequest(
        headers=headers, query={}, body=body, client_host=changes.get("client") or ELSEWHERE
    )


def read(channel: Channel, body: JsonValue, *integrations: Integration) -> ParsedWebhook:
    return channel.parse(
        orjson.dumps(body), integrations, named=None, webhook_id=WEBHOOK, received_at=NOW
    )


def only(found: ParsedWebhook) -> MessageReceived:
    assert found.problems == ()
    (message,) = found.messages
    return message
