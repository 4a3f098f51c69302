"""Telegram's secret token: `X-Telegram-Bot-Api-Secret-Token`, as given to `setWebhook`.

It proves the sender and, unlike a signature, says nothing of the body.
"""

from collections.abc import Sequence
from hmac import compare_digest

from recado.channels.contract import Integration, WebhookRequest
from recado.channels.development import is_local
from recado.channels.errors import NotAuthentic
from recado.channels.lookups import in_order
from recado.channels.telegram.bots import BOTS
from recado.channels.telegram.settings import TelegramIntegration

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105  # the header's name


def authenticate(
    request: WebhookRequest, integrations: Sequence[Integration]
) -> tuple[TelegramIntegration, ...]:
    """Those whose secret it carries; without one from loopback, those in development mode."""
    bots = BOTS.of(integrations)
    header = request.headers.get(SECRET_HEADER)
    if header is None:
        authentic = tuple(one for one in bots.all if one.development and is_local(request))
        if not authentic:
            raise NotAuthentic("the request has no secret token")
        return authentic
    given = header.encode(errors="surrogatepass")
    right = [who for secret, who in bots.by_secret.items() if compare_digest(given, secret)]
    if not right:
        raise NotAuthentic("the secret token is wrong")
    return in_order(bots.all, right)
