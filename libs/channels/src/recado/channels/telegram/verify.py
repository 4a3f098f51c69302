"""Telegram's secret token: `X-Telegram-Bot-Api-Secret-Token`, as given to `setWebhook`.

It proves the sender and, unlike a signature, says nothing of the body.
"""

from collections.abc import Sequence

from recado.channels.contract import WebhookRequest
from recado.channels.credentials import matches_any
from recado.channels.development import is_local
from recado.channels.errors import NotAuthentic
from recado.channels.telegram.settings import TelegramIntegration

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105  # the header's name


def authenticate(
    request: WebhookRequest, integrations: Sequence[TelegramIntegration]
) -> tuple[TelegramIntegration, ...]:
    """Those whose secret it carries; without one from loopback, those in development mode."""
    header = request.headers.get(SECRET_HEADER)
    if header is None:
        authentic = tuple(one for one in integrations if one.development and is_local(request))
        if not authentic:
            raise NotAuthentic("the request has no secret token")
        return authentic
    given = header.encode(errors="surrogatepass")
    authentic = tuple(one for one in integrations if matches_any(given, one.valid_secrets()))
    if not authentic:
        raise NotAuthentic("the secret token is wrong")
    return authentic
