"""Kafka stopped under load: ingress says 503, and everything that got a 200 is in the topic."""

import asyncio
import time
from collections import Counter
from datetime import timedelta

import httpx
import pytest

from recado.devstack.stack.integrations import TELEGRAM_SECRET_TOKEN
from recado.devstack.stack.kafka import ApacheKafka
from recado.devstack.webhooks import telegram_post
from recado.schemas import topics
from recado.schemas.events import MessageReceived
from support.world import World, eventually

OUTAGE_SECONDS = 20
LOAD_SECONDS = 45
CONCURRENCY = 8
PAUSE_SECONDS = 0.4


@pytest.mark.long
async def test_what_was_acknowledged_is_in_the_topic(broken_world: World) -> None:
    """20 s without Kafka in the middle of 45 s of load."""
    kafka = broken_world.stack.kafka
    assert isinstance(kafka, ApacheKafka)
    chats = [730_000 + n for n in range(20)]
    await broken_world.make_known(chats=chats)
    statuses: Counter[str] = Counter()
    acknowledged: set[str] = set()
    numbers = iter(range(10**6))
    ends = time.monotonic() + LOAD_SECONDS

    async def load(http: httpx.AsyncClient) -> None:
        while time.monotonic() < ends:
            n = next(numbers)
            post = telegram_post(
                chats[n % len(chats)],
                "/ayuda",
                secret_token=TELEGRAM_SECRET_TOKEN,
                update_id=6_000_000 + n,
                message_id=n,
            )
            try:
                status = (await broken_world.post(http, post)).status_code
            except httpx.HTTPError as error:
                statuses[type(error).__name__] += 1
            else:
                statuses[str(status)] += 1
                if status == httpx.codes.OK:
                    acknowledged.add(str(n))
            await asyncio.sleep(PAUSE_SECONDS)

    async with httpx.AsyncClient(timeout=30) as http, asyncio.TaskGroup() as tasks:
        for _ in range(CONCURRENCY):
            tasks.create_task(load(http))
        await asyncio.sleep(10)
        await kafka.stop()
        await asyncio.sleep(OUTAGE_SECONDS)
        await kafka.start()
    print(f"answers: {dict(statuses)}; acknowledged {len(acknowledged)}")
    assert statuses["503"] > 0
    assert set(statuses) <= {"200", "503"}

    async def all_there() -> bool:
        found = await broken_world.events(topics.MESSAGES, MessageReceived)
        return acknowledged <= {str(one.platform_message_id) for one in found}

    await eventually(all_there, "every acknowledged message in the topic")
    # And Recado goes on: the newest message is answered.
    chat = 739_999
    await broken_world.make_known(chats=[chat])
    async with httpx.AsyncClient(timeout=30) as http:
        post = telegram_post(chat, "/ayuda", secret_token=TELEGRAM_SECRET_TOKEN)
        assert (await broken_world.post(http, post)).status_code == httpx.codes.OK

    async def answered() -> bool:
        return bool(await broken_world.received("telegram", str(chat)))

    await eventually(answered, "an answer after the outage", within=timedelta(minutes=2))
