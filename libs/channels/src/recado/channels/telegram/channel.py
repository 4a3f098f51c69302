"""Telegram as a channel: puts the pieces of this folder behind the contract."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import httpx

from recado.channels.contract import Integration, ParsedWebhook, Part, Sender, WebhookRequest
from recado.channels.errors import NotSupported
from recado.channels.lookups import only
from recado.channels.telegram import parse, verify
from recado.channels.telegram.bots import of_telegram
from recado.channels.telegram.format import format_text
from recado.channels.telegram.settings import TelegramIntegration
from recado.schemas.base import Platform


class TelegramChannel:
    """See `recado.channels.contract.Channel`."""

    platform = Platform.TELEGRAM.value
    integration_type = TelegramIntegration
    max_body = 1024 * 1024
    """Far above any update: a message has 4,096 characters, and files are named by their ids."""
    reports_delivery = False

    def handshake(self, query: Mapping[str, str], integrations: Sequence[Integration]) -> str:
        raise NotSupported("Telegram has no handshake: a webhook is set with setWebhook")

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
        from recado.channels.telegram.send import TelegramSender

        (mine,) = of_telegram([integration])
        return TelegramSender(mine, http)
