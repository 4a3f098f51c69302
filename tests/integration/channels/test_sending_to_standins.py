"""Both senders against the platforms' stand-ins, which check requests as the platforms do."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import JsonValue

from recado.channels.contract import Channel, Integration, Sender
from recado.channels.errors import Refused, ResultUnknown, RetryLater, SenderStopped
from recado.channels.registry import CHANNELS
from recado.channels.telegram import TelegramIntegration
from recado.channels.telegram.webhook import delete_webhook, set_webhook
from recado.devstack.standins.app import create_app
from recado.devstack.standins.config import Config
from recado.schemas.base import Platform
from recado.schemas.conversations import Recipient, ReplyTo

BASE = "http://stand-ins"
USER_ID = "PE.13491208655302741918"
ANSWER = "## Internet *lento*\n\nReinicia el **router** 😀 y mide con `speedtest` [1].\n\n" + (
    "- Un paso **muy** largo con [guía](https://example.com/g). " * 200
)

CONFIG = Config.model_validate(
    {
        "customers": [
            {"platform": "whatsapp", "number": "51900111222"},
            {"platform": "whatsapp", "user_id": USER_ID},
            {"platform": "telegram", "chat": 55, "threads": [7]},
            {"platform": "telegram", "chat": 66, "blocked": True},
        ]
    }
)
SETTINGS: dict[Platform, dict[str, JsonValue]] = {
    Platform.WHATSAPP: {
        "name": "wa",
        "platform": "whatsapp",
        "phone_number_id": CONFIG.whatsapp.phone_numbers[0].id,
        "access_token": CONFIG.whatsapp.access_tokens[0].get_secret_value(),
        "app_secret": "s",
        "verify_token": "v",
        "api_base_url": f"{BASE}/graph",
    },
    Platform.TELEGRAM: {
        "name": "tg",
        "platform": "telegram",
        "bot_token": CONFIG.telegram.bots[0].token.get_secret_value(),
        "secret_token": "hook-secret",
        "api_base_url": f"{BASE}/telegram",
    },
}
CHATS = {
    "number": ("51900111222", Recipient.PHONE, Platform.WHATSAPP, None),
    "user id": (USER_ID, Recipient.USER_ID, Platform.WHATSAPP, None),
    "chat": ("55", Recipient.CHAT, Platform.TELEGRAM, None),
    "thread": ("55", Recipient.CHAT, Platform.TELEGRAM, "7"),
}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(CONFIG))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


def integration(platform: Platform, **more: JsonValue) -> Integration:
    model = CHANNELS[platform].integration_type
    return model.model_validate({**SETTINGS[platform], **more})


def sender(platform: Platform, http: httpx.AsyncClient, **more: JsonValue) -> Sender:
    return CHANNELS[platform].sender(integration(platform, **more), http)


def reply_to(
    platform: Platform, chat: str, recipient: Recipient, thread: str | None = None
) -> ReplyTo:
    return ReplyTo(
        platform=platform, integration="x", chat=chat, recipient=recipient, thread=thread
    )


@pytest.mark.parametrize("where", CHATS)
async def test_every_part_of_a_formatted_answer_is_taken_as_it_is(
    http: httpx.AsyncClient, where: str
) -> None:
    chat, recipient, platform, thread = CHATS[where]
    channel: Channel = CHANNELS[platform]
    parts = channel.format(ANSWER)
    assert len(parts) > 1
    to = reply_to(platform, chat, recipient, thread)
    sent = [
        await sender(platform, http).send(to, part, callback_data=f"a:{position}")
        for position, part in enumerate(parts)
    ]
    assert len(set(sent)) == len(parts)
    seen = (await http.get("/control/messages", params={"platform": platform.value})).json()
    assert [message["text"] for message in seen["messages"]] == [part.text for part in parts]


async def test_what_the_platforms_refuse_is_told_apart(http: httpx.AsyncClient) -> None:
    whatsapp, telegram = Platform.WHATSAPP, Platform.TELEGRAM
    for platform, to, settings, expected in (
        (whatsapp, ("51900111222", Recipient.PHONE), {"access_token": "wrong"}, SenderStopped),
        (telegram, ("55", Recipient.CHAT), {"bot_token": "1:wrong"}, SenderStopped),
        (telegram, ("77", Recipient.CHAT), {}, Refused),
        (telegram, ("66", Recipient.CHAT), {}, Refused),
    ):
        (part,) = CHANNELS[platform].format("Hola")
        with pytest.raises(expected):
            await sender(platform, http, **settings).send(
                reply_to(platform, *to), part, callback_data="a:0"
            )


@pytest.mark.parametrize(
    ("where", "fault", "expected"),
    [
        ("number", "rate_limited", RetryLater),
        # The Graph API's own "service unavailable" says that nothing was sent; Telegram's does not.
        ("number", "broken", RetryLater),
        ("number", "html", ResultUnknown),
        ("chat", "rate_limited", RetryLater),
        ("chat", "broken", ResultUnknown),
        ("chat", "html", ResultUnknown),
    ],
)
async def test_a_platform_in_trouble_is_told_apart(
    http: httpx.AsyncClient, where: str, fault: str, expected: type[Exception]
) -> None:
    chat, recipient, platform, _ = CHATS[where]
    await http.put(f"/control/faults/{platform.value}", json={"kind": fault})
    (part,) = CHANNELS[platform].format("Hola")
    with pytest.raises((RetryLater, ResultUnknown)) as raised:
        await sender(platform, http).send(
            reply_to(platform, chat, recipient), part, callback_data="a:0"
        )
    assert raised.type is expected


async def test_a_bots_webhook_is_set_and_deleted(http: httpx.AsyncClient) -> None:
    bot = integration(Platform.TELEGRAM)
    assert isinstance(bot, TelegramIntegration)
    url = "https://recado.example/api/integrations/webhooks/telegram/"
    assert (await set_webhook(bot, url, http)).url == url
    assert (await delete_webhook(bot, http)).url == ""
