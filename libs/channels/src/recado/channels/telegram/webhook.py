"""Where Telegram posts a bot's updates: set, look at and delete its webhook."""

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from recado.channels.errors import CallFailed, NotSupported
from recado.channels.payload import JsonObject
from recado.channels.sending import post
from recado.channels.telegram.answers import UNREADABLE, error_of, result_of
from recado.channels.telegram.log import hide_tokens
from recado.channels.telegram.settings import TelegramIntegration
from recado.schemas.webhooks import PlatformError

ALLOWED_UPDATES = (
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "message_reaction",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
)
"""Said explicitly: Telegram's default leaves out reactions, and a list once set stays."""


class WebhookInfo(BaseModel):
    """What Telegram says of a bot's webhook (https://core.telegram.org/bots/api#webhookinfo)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str = Field(description="Empty: none is set")
    pending_update_count: int = 0
    ip_address: str | None = None
    last_error_date: AwareDatetime | None = None
    last_error_message: str | None = None
    max_connections: int | None = None
    allowed_updates: tuple[str, ...] = ()


async def set_webhook(
    integration: TelegramIntegration, url: str, http: httpx.AsyncClient
) -> WebhookInfo:
    """Have the bot's updates posted to `url`, with its secret token; what Telegram says then.

    Raises `NotSupported` for an integration without a secret token, whose webhooks would all be
    refused, `CallFailed`, and what `recado.channels.sending.post` raises.
    """
    if integration.secret_token is None:
        raise NotSupported(
            f"{integration.name} has no secret_token: Telegram's webhooks could not be verified"
        )
    await _call(
        integration,
        "setWebhook",
        {
            "url": url,
            "secret_token": integration.secret_token.get_secret_value(),
            "allowed_updates": list(ALLOWED_UPDATES),
        },
        http,
    )
    return await webhook_info(integration, http)


async def webhook_info(integration: TelegramIntegration, http: httpx.AsyncClient) -> WebhookInfo:
    """Where the bot's updates are posted, how many wait, and the last failure.

    Raises `CallFailed`, and what `recado.channels.sending.post` raises.
    """
    answer = await _call(integration, "getWebhookInfo", {}, http)
    try:
        return WebhookInfo.model_validate(answer.get("result"))
    except ValidationError:
        raise CallFailed(PlatformError(code="unreadable", title=UNREADABLE)) from None


async def delete_webhook(integration: TelegramIntegration, http: httpx.AsyncClient) -> WebhookInfo:
    """Have updates posted nowhere. Those that wait are kept, for 24 hours at most.

    Raises `CallFailed`, and what `recado.channels.sending.post` raises.
    """
    await _call(integration, "deleteWebhook", {}, http)
    return await webhook_info(integration, http)


async def _call(
    integration: TelegramIntegration, method: str, payload: JsonObject, http: httpx.AsyncClient
) -> JsonObject:
    hide_tokens()
    response = await post(http, integration.method_url(method), payload)
    answer = result_of(response)
    if answer is None:
        token = integration.bot_token.get_secret_value()
        raise CallFailed(error_of(response, hidden=(token,)))
    return answer
