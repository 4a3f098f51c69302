"""WhatsApp as a channel: puts the pieces of this folder behind the contract."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import httpx

from recado.channels.contract import Integration, ParsedWebhook, Part, Sender, WebhookRequest
from recado.channels.lookups import only
from recado.channels.whatsapp import parse, verify
from recado.channels.whatsapp.format import format_text
from recado.channels.whatsapp.numbers import of_whatsapp
from recado.channels.whatsapp.settings import WhatsAppIntegration
from recado.schemas.base import Platform


class WhatsAppChannel:
    """See `recado.channels.contract.Channel`."""

    platform = Platform.WHATSAPP.value
    integration_type = WhatsAppIntegration
    max_body = 3 * 1024 * 1024
    """3 MB (Meta, webhooks/overview)."""
    reports_delivery = True

    def handshake(self, query: Mapping[str, str], integrations: Sequence[Integration]) -> str:
        return verify.handshake(query, of_whatsapp(integrations))

    def authenticate(
        self, request: WebhookRequest, integrations: Sequence[Integration]
    ) -> tuple[Integration, ...]:
        return verify.authenticate(request, integrations)

    def parse(
        self,
        body: bytes,
        integrations: Sequence[Integration],
        *,
        named: Integration | None,
        webhook_id: UUID,
        received_at: datetime,
    ) -> ParsedWebhook:
        candidates = only(named, integrations)
        return parse.parse(body, candidates, webhook_id=webhook_id, received_at=received_at)

    def format(self, text: str) -> tuple[Part, ...]:
        return format_text(text)

    def sender(self, integration: Integration, http: httpx.AsyncClient) -> Sender:
        # Only who sends loads what sends: a rebuild of MongoDB formats and must not be able to.
        from recado.channels.whatsapp.send import WhatsAppSender

        (mine,) = of_whatsapp([integration])
        return WhatsAppSender(mine, http)
