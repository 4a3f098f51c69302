"""Ingress and its broker killed under load, behind a client that repeats as Meta does.

Whatever got a 200 is in the topic, and in the end every message is. Repeats are few, since ingress
knows what it published; what a killed process knew is gone, so that some of its last messages are
there twice. They carry the same id.
"""

import asyncio
import json
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from recado.devstack.stack.kafka import ApacheKafka
from recado.devstack.stack.ports import free_port
from recado.schemas.webhooks import MessageReceived, WebhookReceived
from recado.servicekit import topics
from recado.servicekit.settings import KafkaSettings
from support.ingress import WHATSAPP, Ingress, body, change, message, read_all, run_ingress, sign

KILLS = 20
BROKER_KILLS = 3
CLIENTS = 16
BETWEEN_KILLS = 1.5
GIVE_UP_AFTER = 5.0
"""Seconds that a platform waits for an answer before it takes it for lost."""


@dataclass
class Meta:
    """Posts messages, each until it got its 200, at ever longer intervals."""

    port: int
    posted: set[str] = field(default_factory=set)
    acknowledged: dict[str, int] = field(default_factory=dict)
    """The texts that got a 200, with how often they were posted."""
    answers: Counter[str] = field(default_factory=Counter)
    stopped: bool = False

    async def client(self, number: int) -> None:
        """One conversation's messages, one after the other."""
        async with httpx.AsyncClient(timeout=GIVE_UP_AFTER) as http:
            while not self.stopped:
                await self._insist(http, f"346{number:08}")

    async def _insist(self, http: httpx.AsyncClient, sender: str) -> None:
        text = uuid.uuid4().hex
        self.posted.add(text)
        content = json.dumps(body([change(message(sender, text))])).encode()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(content)}
        pause, attempts = 0.05, 0
        while True:
            attempts += 1
            try:
                response = await http.post(
                    f"http://127.0.0.1:{self.port}{WHATSAPP}", content=content, headers=headers
                )
                answer = str(response.status_code)
            except httpx.HTTPError as lost:
                answer = type(lost).__name__
            self.answers[answer] += 1
            if answer == "200":
                self.acknowledged[text] = attempts
                return
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, 2.0)


@asynccontextmanager
async def posting(meta: Meta) -> AsyncIterator[None]:
    """Clients at work; at the end each of their messages has got its 200."""
    async with asyncio.TaskGroup() as tasks:
        for number in range(CLIENTS):
            tasks.create_task(meta.client(number))
        try:
            yield
        finally:
            meta.stopped = True


async def until_acknowledged(meta: Meta, more: int) -> None:
    """Wait until so many more messages got their 200."""
    wanted = len(meta.acknowledged) + more
    async with asyncio.timeout(120):
        while True:
            if len(meta.acknowledged) >= wanted:
                return
            await asyncio.sleep(0.05)


async def check(meta: Meta, bootstrap: str, what: str) -> None:
    """Everything is in the topic; the figures are printed."""
    events = await read_all(bootstrap)
    texts = Counter(one.text or "" for one in events if isinstance(one, MessageReceived))
    ids = {one.id for one in events if isinstance(one, MessageReceived)}
    at_the_door = sum(one.repeats for one in events if isinstance(one, WebhookReceived))
    repeated = sum(count - 1 for count in texts.values())
    insisted = sum(attempts > 1 for attempts in meta.acknowledged.values())
    print(
        f"{what}: {len(meta.posted)} messages, {insisted} of them posted more than once; answers "
        f"{dict(meta.answers)}; lost {len(set(meta.acknowledged) - set(texts))}; "
        f"{at_the_door} repeats kept from the topic, {repeated} in it twice, {len(ids)} ids"
    )
    assert set(meta.acknowledged) == meta.posted, "a message was never taken"
    assert set(texts) == meta.posted, "a message that got a 200 is not in the topic"
    assert len(ids) == len(meta.posted), "a repeat carries another id"


async def apply_topics(kafka: ApacheKafka) -> None:
    await topics.apply(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap))


@pytest.mark.long
async def test_the_broker_is_killed_three_times_under_load(
    own_kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Ingress is one process throughout, and comes back by itself each time."""
    await apply_topics(own_kafka)
    async with run_ingress(own_kafka.bootstrap, tmp_path) as ingress:
        await ingress.until_ready()
        meta = Meta(ingress.http.base_url.port or 0)
        async with posting(meta):
            for _ in range(BROKER_KILLS):
                await until_acknowledged(meta, 300)
                await own_kafka.kill9()
                await asyncio.sleep(3)
                await own_kafka.start()
            await until_acknowledged(meta, 300)
        await check(meta, own_kafka.bootstrap, f"{BROKER_KILLS} kills of the broker")
        assert ingress.process.returncode is None
    assert set(meta.answers) == {"200", "503"}


@pytest.mark.long
async def test_ingress_is_killed_twenty_times_under_load(
    own_kafka: ApacheKafka, tmp_path: Path
) -> None:
    await apply_topics(own_kafka)
    port = free_port()
    meta = Meta(port)
    async with AsyncExitStack() as processes:
        ingress = await processes.enter_async_context(started(own_kafka, tmp_path, port))
        async with posting(meta):
            for _ in range(KILLS):
                await until_acknowledged(meta, 20)
                await asyncio.sleep(random.uniform(0, BETWEEN_KILLS))
                ingress.process.kill()
                await ingress.process.wait()
                ingress = await processes.enter_async_context(started(own_kafka, tmp_path, port))
            await until_acknowledged(meta, 100)
        await check(meta, own_kafka.bootstrap, f"{KILLS} kills of ingress")


@asynccontextmanager
async def started(kafka: ApacheKafka, folder: Path, port: int) -> AsyncIterator[Ingress]:
    """Ingress at this port, ready."""
    async with run_ingress(kafka.bootstrap, folder, port=str(port)) as ingress:
        await ingress.until_ready()
        yield ingress
