"""The whole of Recado and its outside world, for tests that follow a message from end to end."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Protocol, TypeVar

import httpx
from motor.motor_asyncio import AsyncIOMotorClient

from recado.cli.index import submit
from recado.cli.records import end_offsets, handled_up_to, read_to_end
from recado.cli.settings import CliSettings
from recado.devstack.sample import PAGES
from recado.devstack.stack.ports import LOOPBACK, Ports
from recado.devstack.stack.services import SERVICES
from recado.devstack.stack.stack import Stack, StackConfig
from recado.devstack.webhooks import WebhookPost
from recado.schemas import topics
from recado.schemas.events import AnswerGenerated, Event, MessageReceived
from recado.servicekit.settings import KafkaSettings
from recado.servicekit.topics import apply

Row = Mapping[str, object]
EventT = TypeVar("EventT", bound=Event)

PATIENCE = timedelta(seconds=60)
"""What is expected comes within this, or the test has failed."""


class Condition(Protocol):
    """Something that is waited for."""

    async def __call__(self) -> bool: ...


async def eventually(
    condition: Condition, what: str, *, within: timedelta = PATIENCE, every: float = 0.2
) -> None:
    """Return as soon as the condition holds; fail the test where it never does."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            # What is waited for happens in other processes: there is nothing to be told by.
            while not await condition():  # noqa: ASYNC110
                await asyncio.sleep(every)
    except TimeoutError:
        raise AssertionError(f"not within {within.total_seconds():.0f} s: {what}") from None


@dataclass(frozen=True)
class World:
    """A running stack, and eyes and hands for a test."""

    stack: Stack
    settings: CliSettings
    _chats: Iterator[int] = field(default_factory=lambda: count(800_000))
    _numbers: Iterator[int] = field(default_factory=lambda: count(34_680_000_000))

    async def new_chats(self, number: int) -> list[int]:
        """So many Telegram chats that the platform knows and no other test of this world uses."""
        chats = [next(self._chats) for _ in range(number)]
        await self.make_known(chats=chats)
        return chats

    async def new_numbers(self, number: int) -> list[str]:
        """So many customers of WhatsApp, likewise."""
        numbers = [str(next(self._numbers)) for _ in range(number)]
        await self.make_known(numbers=numbers)
        return numbers

    @property
    def ingress_url(self) -> str:
        """Where webhooks go."""
        return self.settings.ingress_url

    @property
    def environment(self) -> Mapping[str, str]:
        """What the `recado` command needs to find this world."""
        return {
            "RECADO_KAFKA_BOOTSTRAP_SERVERS": self.settings.kafka_bootstrap_servers,
            "RECADO_MONGODB_URL": self.settings.mongodb_url,
            "RECADO_INTEGRATIONS_FILE": str(self.settings.integrations_file),
            "RECADO_INGRESS_URL": self.settings.ingress_url,
            "RECADO_STANDINS_URL": self.settings.standins_url,
        }

    async def post(self, http: httpx.AsyncClient, post: WebhookPost) -> httpx.Response:
        """Send a webhook to ingress."""
        return await http.post(
            self.ingress_url + post.path, content=post.body, headers=dict(post.headers)
        )

    async def control(self, method: str, path: str, **arguments: object) -> dict[str, object]:
        """Ask the stand-ins' control API."""
        async with httpx.AsyncClient(base_url=self.settings.standins_url, timeout=70) as http:
            response = await http.request(method, f"/control{path}", **arguments)  # type: ignore[arg-type]  # httpx's own
            response.raise_for_status()
            content: dict[str, object] = response.json() if response.content else {}
            return content

    async def make_known(self, numbers: Sequence[str] = (), chats: Sequence[int] = ()) -> None:
        """Customers that the platforms know."""
        known: list[object] = [
            {"platform": "whatsapp", "number": number, "window_stays_open": True}
            for number in numbers
        ]
        known += [{"platform": "telegram", "chat": chat} for chat in chats]
        await self.control("POST", "/customers", json=known)

    async def received(
        self, platform: str | None = None, chat: str | None = None
    ) -> list[dict[str, object]]:
        """What customers received, in order of arrival."""
        params = {"limit": "50000"}
        if platform:
            params["platform"] = platform
        if chat:
            params["chat"] = chat
        answer = await self.control("GET", "/messages", params=params)
        messages = answer["messages"]
        assert isinstance(messages, list)
        return messages

    async def events(self, topic: topics.Topic, kind: type[EventT]) -> list[EventT]:
        """The events of a kind that are in a topic now."""
        return [
            event
            async for event in read_to_end(self.settings, topic.name)
            if isinstance(event, kind)
        ]

    async def answers_to(self, messages: Sequence[MessageReceived]) -> list[AnswerGenerated]:
        """The answers that cover these messages."""
        wanted = {message.id for message in messages}
        return [
            answer
            for answer in await self.events(topics.ANSWERS, AnswerGenerated)
            if wanted & set(answer.message_ids)
        ]

    async def settle(self, within: timedelta = PATIENCE) -> None:
        """Return when rag and dispatcher have handled and committed all that is in their topics."""
        for group, read in (
            ("recado-rag", (topics.MESSAGES,)),
            ("recado-dispatcher", (topics.ANSWERS, topics.STATUSES, topics.MESSAGES)),
        ):
            for topic in read:
                ends = await end_offsets(self.settings, topic.name)
                async for _left in handled_up_to(self.settings, group, ends, within):
                    pass

    async def rows(self, collection: str, filter_: Mapping[str, object] | None = None) -> list[Row]:
        """Documents in MongoDB."""
        client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(
            self.settings.mongodb_url, tz_aware=True
        )
        try:
            found = client[self.settings.mongodb_database][collection].find(dict(filter_ or {}))
            return [row async for row in found]
        finally:
            client.close()


def stack_in(
    directory: Path,
    *,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    gemini: bool = False,
    services: tuple[str, ...] = SERVICES,
) -> Stack:
    """A stack of its own on free ports, not started. It takes nothing from the environment.

    It is keyless, or else has Gemini's stand-in for a model.
    """
    import os

    ports = Ports.free()
    model = {
        "RECADO_GEMINI_API_KEY": "gemini-demo-key",
        "RECADO_GEMINI_BASE_URL": f"http://{LOOPBACK}:{ports.standins}/gemini",
    }

    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("RECADO_") or name == "RECADO_CACHE"
    }
    return Stack(
        StackConfig(
            state_directory=directory,
            ports=ports,
            services=services,
            prepare_topics=apply_topics,
            environment=kept | dict(environment or {}),
            settings=(model if gemini else {}) | dict(settings or {}),
        )
    )


async def apply_topics(bootstrap: str) -> None:
    """Create the topics of the contract."""
    await apply(KafkaSettings(kafka_bootstrap_servers=bootstrap))


def world_of(stack: Stack) -> World:
    """Eyes and hands for a stack."""
    return World(
        stack,
        CliSettings(
            kafka_bootstrap_servers=stack.kafka.bootstrap,
            mongodb_url=stack.mongodb.url,
            mongodb_database=stack.environment.get("RECADO_MONGODB_DATABASE", "recado"),
            integrations_file=stack.integrations_file,
            ingress_url=stack.service("ingress").url,
            standins_url=stack.standins.url,
        ),
    )


async def index_sample(world: World) -> None:
    """Have the sample knowledge base indexed."""
    await submit(world.settings, [PAGES], wait=timedelta(minutes=3), quiet=True)


@asynccontextmanager
async def started(stack: Stack) -> AsyncIterator[World]:
    """The stack, started, with the sample indexed; stopped in the end."""
    async with stack:
        world = world_of(stack)
        await index_sample(world)
        yield world
