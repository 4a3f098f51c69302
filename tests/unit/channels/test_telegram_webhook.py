"""Setting, looking at and deleting a bot's webhook."""

from datetime import UTC, datetime

import httpx
import orjson
import pytest

from recado.channels.errors import CallFailed, NotSupported, RetryLater
from recado.channels.telegram import TelegramIntegration
from recado.channels.telegram.webhook import (
    ALLOWED_UPDATES,
    delete_webhook,
    set_webhook,
    webhook_info,
)

URL = "https://recado.example/api/integrations/webhooks/telegram/tg/"


class BotApi:
    """As much of the Bot API as a webhook needs."""

    def __init__(self) -> None:
        self.webhook: dict[str, object] = {"url": ""}
        self.calls: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        method = request.url.path.rsplit("/", 1)[1]
        self.calls.append(method)
        result: object = True
        if method == "setWebhook":
            self.webhook = orjson.loads(request.content)
        elif method == "deleteWebhook":
            self.webhook = {"url": ""}
        else:
            result = {
                "url": self.webhook["url"],
                "has_custom_certificate": False,
                "pending_update_count": 2,
                "last_error_date": 1764700000,
                "last_error_message": "Wrong response from the webhook: 503",
                "allowed_updates": self.webhook.get("allowed_updates", []),
            }
        return httpx.Response(200, content=orjson.dumps({"ok": True, "result": result}))


async def test_a_webhook_is_set_with_its_secret_and_every_update_that_is_read(
    telegram: TelegramIntegration,
) -> None:
    api = BotApi()
    async with httpx.AsyncClient(transport=httpx.MockTransport(api)) as http:
        info = await set_webhook(telegram, URL, http)
    assert api.webhook == {
        "url": URL,
        "secret_token": "hook-secret",
        "allowed_updates": list(ALLOWED_UPDATES),
    }
    assert "message_reaction" in ALLOWED_UPDATES
    assert (info.url, info.allowed_updates) == (URL, ALLOWED_UPDATES)
    assert info.pending_update_count == 2
    assert info.last_error_date == datetime.fromtimestamp(1764700000, UTC)


async def test_a_deleted_webhook_is_gone(telegram: TelegramIntegration) -> None:
    api = BotApi()
    async with httpx.AsyncClient(transport=httpx.MockTransport(api)) as http:
        await set_webhook(telegram, URL, http)
        assert (await delete_webhook(telegram, http)).url == ""
    assert api.calls == ["setWebhook", "getWebhookInfo", "deleteWebhook", "getWebhookInfo"]


async def test_without_a_secret_no_webhook_is_set(telegram: TelegramIntegration) -> None:
    api = BotApi()
    bare = telegram.model_copy(update={"secret_token": None, "development": True})
    async with httpx.AsyncClient(transport=httpx.MockTransport(api)) as http:
        with pytest.raises(NotSupported, match="tg has no secret_token"):
            await set_webhook(bare, URL, http)
    assert api.calls == []


async def test_a_refusal_is_told_in_telegrams_words_without_the_token(
    telegram: TelegramIntegration,
) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        body = {"ok": False, "error_code": 400, "description": "Bad webhook of 42:bot-token"}
        return httpx.Response(400, json=body)

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as http:
        with pytest.raises(CallFailed, match=r"400 Bad webhook of \*\*\*") as caught:
            await set_webhook(telegram, "http://x", http)
    assert caught.value.error.code == 400


@pytest.mark.parametrize("body", ["<html>", '{"ok": true, "result": 3}', '{"ok": true}'])
async def test_an_answer_that_is_not_the_bot_apis_is_a_failed_call(
    telegram: TelegramIntegration, body: str
) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=body))
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(CallFailed):
            await webhook_info(telegram, http)


async def test_no_connection_is_told_as_such(telegram: TelegramIntegration) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as http:
        with pytest.raises(RetryLater, match="no connection"):
            await webhook_info(telegram, http)
