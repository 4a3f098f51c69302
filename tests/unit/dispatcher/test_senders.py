"""Integrations that change while answers are sent: what each call uses, and what is closed when."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest
from pydantic import SecretStr

from recado.channels.contract import Integration, Part
from recado.channels.errors import RetryLater
from recado.channels.registry import CHANNELS
from recado.channels.telegram import TelegramIntegration
from recado.dispatcher.senders import PooledSenders
from recado.schemas.base import Platform
from recado.schemas.conversations import ReplyTo
from support.dispatching import TELEGRAM

PART = Part(text="hola")
OTHER = TELEGRAM.model_copy(update={"integration": "other"})


def account(token: str, **changed: object) -> TelegramIntegration:
    bot = TelegramIntegration(
        name=TELEGRAM.integration,
        platform=Platform.TELEGRAM,
        bot_token=SecretStr(token),
        development=True,
    )
    return bot.model_copy(update=changed)


class FakeTelegram:
    """A channel whose senders keep what they were asked and with what, and wait when told to."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.every_client: list[httpx.AsyncClient] = []
        self.asked = asyncio.Semaphore(0)
        self.answers = asyncio.Event()
        self.answers.set()

    @property
    def clients(self) -> list[httpx.AsyncClient]:
        """Those that send; beside each is one for what is only shown."""
        return self.every_client[::2]

    def sender(self, integration: Integration, http: httpx.AsyncClient) -> SimpleNamespace:
        assert isinstance(integration, TelegramIntegration)
        token = integration.bot_token.get_secret_value()
        self.every_client.append(http)

        async def send(_to: ReplyTo, part: Part, **_rest: object) -> str:
            self.asked.release()
            await self.answers.wait()
            assert not http.is_closed
            self.sent.append((token, part.text))
            return str(len(self.sent))

        return SimpleNamespace(send=send)


@pytest.fixture
def telegram() -> FakeTelegram:
    return FakeTelegram()


@pytest.fixture
async def senders(telegram: FakeTelegram) -> AsyncIterator[PooledSenders]:
    """Of one account with the token `1:old`."""
    pooled = PooledSenders(
        {**CHANNELS, Platform.TELEGRAM: telegram},  # type: ignore[dict-item]  # sends, no more
        timeout=timedelta(seconds=20),
        connecting=timedelta(seconds=1),
        connections=2,
    )
    pooled.replace([account("1:old")])
    yield pooled
    telegram.answers.set()
    await pooled.close()


async def send(senders: PooledSenders, to: ReplyTo = TELEGRAM) -> str:
    sender = senders.sender(to)
    assert sender is not None
    return await sender.send(to, PART, callback_data="")


async def turn() -> None:
    """Let the event loop turn until nothing more comes of what was done: nothing here does I/O."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_call_after_the_change_uses_the_new_token(
    senders: PooledSenders, telegram: FakeTelegram
) -> None:
    """Also of a sender from before it: the next part of an answer that is being sent."""
    sender = senders.sender(TELEGRAM)
    assert sender is not None
    await sender.send(TELEGRAM, Part(text="one"), callback_data="")
    senders.replace([account("1:new")])
    await sender.send(TELEGRAM, Part(text="two"), callback_data="")
    assert telegram.sent == [("1:old", "one"), ("1:new", "two")]


async def test_a_call_under_way_ends_with_what_it_began_with(
    senders: PooledSenders, telegram: FakeTelegram
) -> None:
    """Its connections stay open until it has ended, and are closed then."""
    telegram.answers.clear()
    under_way = asyncio.create_task(send(senders))
    await telegram.asked.acquire()
    senders.replace([account("1:new")])
    await turn()
    assert [one.is_closed for one in telegram.clients] == [False, False]

    telegram.answers.set()
    assert await under_way == "1"
    assert telegram.sent == [("1:old", "hola")]
    await turn()
    assert [one.is_closed for one in telegram.clients] == [True, False]


async def test_connections_that_nobody_uses_are_closed_with_the_change(
    senders: PooledSenders, telegram: FakeTelegram
) -> None:
    senders.replace([account("1:new")])
    await turn()
    assert [one.is_closed for one in telegram.clients] == [True, False]


async def test_an_integration_that_did_not_change_keeps_its_connections(
    senders: PooledSenders, telegram: FakeTelegram
) -> None:
    """Another's change is none of its business."""
    senders.replace([account("1:old"), account("2:a", name="other")])
    assert await send(senders, OTHER) == "1"
    senders.replace([account("1:old"), account("2:b", name="other")])
    await send(senders)
    await turn()
    assert len(telegram.clients) == 3
    assert not telegram.clients[0].is_closed


@pytest.mark.parametrize("left", [[], [account("1:old", enabled=False)]])
async def test_one_that_is_gone_or_disabled_has_no_sender_and_one_from_before_sends_nothing(
    senders: PooledSenders, telegram: FakeTelegram, left: list[Integration]
) -> None:
    sender = senders.sender(TELEGRAM)
    assert sender is not None
    senders.replace(left)
    assert senders.sender(TELEGRAM) is None
    with pytest.raises(RetryLater):
        await sender.send(TELEGRAM, PART, callback_data="")
    assert telegram.sent == []

    senders.replace([account("1:old")])
    await sender.send(TELEGRAM, PART, callback_data="")
    assert telegram.sent == [("1:old", "hola")]


async def test_in_the_end_every_connection_is_closed(
    senders: PooledSenders, telegram: FakeTelegram
) -> None:
    senders.replace([account("1:new"), account("2:a", name="other")])
    await senders.close()
    assert [one.is_closed for one in telegram.every_client] == [True] * 6
