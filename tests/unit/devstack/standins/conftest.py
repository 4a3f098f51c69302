"""The stand-ins in this process: a client, a clock that the test moves, a webhook that listens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.applications import Starlette

from recado.devstack.standins.app import create_app
from recado.devstack.standins.config import Bounds, Config, StatusReports, WhatsAppConfig
from recado.devstack.standins.customers import TelegramCustomer, WhatsAppCustomer

WEBHOOK_URL = "http://127.0.0.1:9000/api/integrations/webhooks/whatsapp/"


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@dataclass
class Webhook:
    """Listens to the posts of the stand-in; answers with the next of `statuses`, else 200."""

    posts: list[httpx.Request] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    echo_challenge: bool = True
    posted: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Take a request."""
        self.posts.append(request)
        self.posted.set()
        if request.method == "GET" and self.echo_challenge:
            return httpx.Response(200, text=request.url.params["hub.challenge"])
        return httpx.Response(self.statuses.pop(0) if self.statuses else 200)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def webhook() -> Webhook:
    return Webhook()


@pytest.fixture
def config() -> Config:
    return Config(
        whatsapp=WhatsAppConfig(
            webhook=StatusReports(
                url=WEBHOOK_URL, linger=timedelta(0), first_pause=timedelta(milliseconds=1), tries=3
            )
        ),
        customers=(
            WhatsAppCustomer(number="1234567890", window_stays_open=True),
            WhatsAppCustomer(number="5491100000001", user_id="AR.1001"),
            TelegramCustomer(chat=123456),
            TelegramCustomer(chat=-100500, kind="supergroup", threads=(7,)),
            TelegramCustomer(chat=200, blocked=True),
            TelegramCustomer(chat=-300, kind="group", migrated_to=-100300),
        ),
        bounds=Bounds(records=500),
    )


@pytest.fixture
def app(config: Config, clock: Clock, webhook: Webhook) -> Starlette:
    return create_app(config, clock=clock, webhook_transport=httpx.MockTransport(webhook))


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://stand-ins") as client,
    ):
        yield client


Move = Callable[[timedelta], None]


@pytest.fixture
def move_clock(clock: Clock) -> Move:
    return clock.move
