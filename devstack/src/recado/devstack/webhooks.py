"""Webhook requests as the platforms make them: for `recado ask`, tests and benchmarks.

WhatsApp: https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks (payload, signature).
Telegram: https://core.telegram.org/bots/api#setwebhook (secret token), #update.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

WEBHOOK_PATH = "/api/integrations/webhooks"


@dataclass(frozen=True, slots=True)
class WebhookPost:
    """A request to ingress: path, headers and the raw body that the signature is of."""

    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WhatsAppText:
    """A text message of one WhatsApp customer."""

    sender: str
    text: str
    id: str = field(default_factory=lambda: f"wamid.{secrets.token_hex(16)}")
    sent_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    name: str = "Cliente"

    def as_json(self) -> dict[str, object]:
        """The element of `messages`."""
        return {
            "from": self.sender,
            "id": self.id,
            "timestamp": str(int(self.sent_at.timestamp())),
            "type": "text",
            "text": {"body": self.text},
        }


def whatsapp_post(
    entries: Sequence[Sequence[WhatsAppText]], *, phone_number_id: str, app_secret: str
) -> WebhookPost:
    """One signed post: an `entry` for each sequence of messages."""
    payload = {
        "object": "whatsapp_business_account",
        "entry": [
            {
                "id": "200000000000001",
                "changes": [
                    {
                        "field": "messages",
                        "value": {
                            "messaging_product": "whatsapp",
                            "metadata": {
                                "display_phone_number": "15550000001",
                                "phone_number_id": phone_number_id,
                            },
                            "contacts": [
                                {"profile": {"name": one.name}, "wa_id": one.sender}
                                for one in {one.sender: one for one in messages}.values()
                            ],
                            "messages": [one.as_json() for one in messages],
                        },
                    }
                ],
            }
            for messages in entries
        ],
    }
    body = json.dumps(payload, ensure_ascii=False).encode()
    signature = hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
    return WebhookPost(
        path=f"{WEBHOOK_PATH}/whatsapp/",
        headers={
            "content-type": "application/json",
            "x-hub-signature-256": f"sha256={signature}",
        },
        body=body,
    )


def telegram_post(
    chat: int,
    text: str,
    *,
    secret_token: str,
    update_id: int | None = None,
    message_id: int | None = None,
    name: str = "Cliente",
    sent_at: datetime | None = None,
) -> WebhookPost:
    """One text message in a private chat."""
    sent = sent_at or datetime.now(UTC)
    payload = {
        "update_id": secrets.randbelow(2**31) if update_id is None else update_id,
        "message": {
            "message_id": secrets.randbelow(2**31) if message_id is None else message_id,
            "from": {"id": chat, "is_bot": False, "first_name": name, "language_code": "es"},
            "chat": {"id": chat, "type": "private", "first_name": name},
            "date": int(sent.timestamp()),
            "text": text,
        },
    }
    return WebhookPost(
        path=f"{WEBHOOK_PATH}/telegram/",
        headers={
            "content-type": "application/json",
            "x-telegram-bot-api-secret-token": secret_token,
        },
        body=json.dumps(payload, ensure_ascii=False).encode(),
    )
