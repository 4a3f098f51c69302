"""What customers say in three messages, while rag is killed: one final answer covers each message.

The model's stand-in keeps every call, so that those that were paid and answered nobody are counted.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from chaos.conftest import QUICK_FAILOVER
from recado.devstack.stack.integrations import (
    TELEGRAM_SECRET_TOKEN,
    WHATSAPP_APP_SECRET,
    WHATSAPP_PHONE_NUMBER_ID,
)
from recado.devstack.stack.kafka_jars import INSTALL, java_and_maven_installed
from recado.devstack.webhooks import WebhookPost, WhatsAppText, telegram_post, whatsapp_post
from recado.schemas import topics
from recado.schemas.events import (
    AnswerDelivered,
    AnswerGenerated,
    AnswerNotDelivered,
    MessageReceived,
)
from support.require import require
from support.world import World, eventually, stack_in, started

CUSTOMERS = 100
RUNNING = (4.0, 1.0, 2.0, 1.0, 1.5)
"""Seconds from when rag works until it is killed: soon, while there is much to make up for."""
SPEAKING = 60.0
"""Seconds in which the customers begin to write."""
BETWEEN_MESSAGES = 0.1

SAID = (
    "Hola, buenas",
    "Mi internet está muy lento",
    "Me pasa por wifi y por cable desde ayer",
)
MARK = re.compile(r"caso \d{3}-\d")


@pytest.fixture
async def world_with_a_model(tmp_path: Path) -> AsyncIterator[World]:
    """Everything running, the model included, with short time-outs."""
    require(java_and_maven_installed(), "Apache Kafka", INSTALL)
    async with started(stack_in(tmp_path, settings=QUICK_FAILOVER, gemini=True)) as world:
        yield world


def posts_of(customer: int, chat: int) -> list[WebhookPost]:
    """Three messages, each with a mark of its own; customers alternate between the platforms."""
    texts = [f"{said} (caso {customer:03d}-{n})" for n, said in enumerate(SAID)]
    if customer % 2:
        return [
            whatsapp_post(
                [[WhatsAppText(number_of(customer), text)]],
                phone_number_id=WHATSAPP_PHONE_NUMBER_ID,
                app_secret=WHATSAPP_APP_SECRET,
            )
            for text in texts
        ]
    return [
        telegram_post(
            chat,
            text,
            secret_token=TELEGRAM_SECRET_TOKEN,
            update_id=9_000_000 + 10 * customer + n,
            message_id=n + 1,
        )
        for n, text in enumerate(texts)
    ]


def number_of(customer: int) -> str:
    """A WhatsApp customer's."""
    return f"3463{customer:07d}"


async def calls(world: World) -> list[frozenset[str]]:
    """The marks in the question of each call of the model, in the order of the calls."""
    arrived = await world.control(
        "GET", "/requests", params={"platform": "gemini", "limit": "50000"}
    )
    found = []
    requests = arrived["requests"]
    assert isinstance(requests, list)
    for request in requests:
        if isinstance(request["body"], dict) and "contents" in request["body"]:
            question = request["body"]["contents"][-1]["parts"][0]["text"]
            found.append(frozenset(MARK.findall(question)))
    return found


async def answered(world: World) -> dict[UUID, AnswerGenerated]:
    """The final answers: an id counts once."""
    return {one.id: one for one in await world.events(topics.ANSWERS, AnswerGenerated)}


async def marks(world: World) -> dict[UUID, str]:
    """The mark of each message that was taken."""
    found = {}
    for message in await world.events(topics.MESSAGES, MessageReceived):
        (found[message.id],) = MARK.findall(message.text or "")
    return found


async def in_flight(world: World, before: int) -> tuple[int, int]:
    """After a kill: how many calls since the `before`th have no answer in Kafka; all calls."""
    made = await calls(world)
    mark_of = await marks(world)
    covered = {
        frozenset(mark_of[message] for message in answer.message_ids)
        for answer in (await answered(world)).values()
    }
    return sum(call not in covered for call in made[before:]), len(made)


async def speak(world: World, chats: Sequence[int], over: float) -> None:
    """Customers begin one after another; each sends the next message when one was taken."""

    async def customer(http: httpx.AsyncClient, number: int, chat: int) -> None:
        for post in posts_of(number, chat):
            while (await world.post(http, post)).status_code != 200:  # noqa: ASYNC110 - polite
                await asyncio.sleep(1)
            await asyncio.sleep(BETWEEN_MESSAGES)

    async with httpx.AsyncClient(timeout=20) as http, asyncio.TaskGroup() as tasks:
        for number, chat in enumerate(chats):
            tasks.create_task(customer(http, number, chat))
            await asyncio.sleep(over / len(chats))


@pytest.mark.long
async def test_300_messages_of_100_customers_are_answered_once_though_rag_is_killed_five_times(
    world_with_a_model: World,
) -> None:
    """Three messages in quick succession each; a model that takes a second."""
    world = world_with_a_model
    rag = world.stack.service("rag")
    chats = await world.new_chats(CUSTOMERS)
    await world.make_known(numbers=[number_of(one) for one in range(CUSTOMERS)])
    await world.control("PUT", "/faults/gemini", json=[{"kind": "slow", "delay": "PT1S"}])
    lost: list[int] = []
    seen = 0
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(speak(world, chats, SPEAKING))
        for running in RUNNING:
            await asyncio.sleep(running)
            await rag.kill9()
            flying, seen = await in_flight(world, seen)
            lost.append(flying)
            await rag.start()

    mark_of = await marks(world)
    assert sorted(mark_of.values()) == sorted(
        f"caso {customer:03d}-{n}" for customer in range(CUSTOMERS) for n in range(len(SAID))
    )

    async def all_delivered() -> bool:
        delivered = await world.events(topics.DELIVERIES, AnswerDelivered)
        return {message for one in delivered for message in one.message_ids} >= set(mark_of)

    await eventually(all_delivered, "every message delivered an answer", every=1)
    await world.settle()
    answers = await answered(world)
    covered = Counter(message for one in answers.values() for message in one.message_ids)
    assert covered == dict.fromkeys(mark_of, 1), "a message has no final answer, or two"
    assert await world.events(topics.DELIVERIES, AnswerNotDelivered) == []

    received = [one for one in await world.received() if str(one["chat"])]
    made = await calls(world)
    by_model = [one for one in answers.values() if one.model is not None]
    twice = len(made) - len(by_model)
    sizes = Counter(len(one.message_ids) for one in answers.values())
    print(
        f"{len(mark_of)} messages, {len(answers)} final answers "
        f"({', '.join(f'{count} to {size}' for size, count in sorted(sizes.items()))}), "
        f"{len(received)} received; {len(made)} calls of the model, {twice} of them paid twice; "
        f"in flight at the kills: {lost}"
    )
    assert len(received) == len(answers), "a customer saw an answer twice"
    assert sum(lost) > 0, "no kill met a call"
    assert twice <= sum(lost)
    assert len(answers) < len(mark_of), "nothing was answered together"
