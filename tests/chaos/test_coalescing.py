"""What customers say in three messages, while rag is killed: one final answer covers each message.

The model's stand-in keeps every call, so that those that were paid and answered nobody are counted.
A call is lost where rag is killed between making it and Kafka's acknowledgement of the answer. That
nothing else counts as lost is seen from each run by itself: it asks about no message twice.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
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
from support.world import Row, World, eventually, stack_in, started

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


@dataclass(frozen=True)
class Call:
    """A call of the model: the marks in its question, and whether it has no reply yet."""

    marks: frozenset[str]
    pending: bool


async def calls(world: World) -> list[Call]:
    """All, in their order."""
    arrived = await world.control(
        "GET", "/requests", params={"platform": "gemini", "limit": "50000"}
    )
    requests = arrived["requests"]
    assert isinstance(requests, list)
    return [
        Call(
            frozenset(MARK.findall(request["body"]["contents"][-1]["parts"][0]["text"])),
            request["outcome"] == "pending",
        )
        for request in requests
        if isinstance(request["body"], dict) and "contents" in request["body"]
    ]


async def answered(world: World) -> dict[UUID, AnswerGenerated]:
    """The final answers: an id counts once."""
    return {one.id: one for one in await world.events(topics.ANSWERS, AnswerGenerated)}


async def marks(world: World) -> dict[UUID, str]:
    """The mark of each message that was taken."""
    found = {}
    for message in await world.events(topics.MESSAGES, MessageReceived):
        (found[message.id],) = MARK.findall(message.text or "")
    return found


@dataclass(frozen=True)
class Run:
    """What one rag process asked the model until it was killed."""

    calls: Sequence[Call]
    lost: int
    """Calls without an answer in Kafka."""

    @property
    def pending(self) -> int:
        """Calls that the model had not replied to a moment after the kill."""
        return sum(call.pending for call in self.calls)

    @property
    def asked_twice(self) -> Collection[str]:
        """Marks of messages that it paid for twice by itself."""
        asked = Counter(mark for call in self.calls for mark in call.marks)
        return [mark for mark, times in asked.items() if times > 1]


async def run_of(world: World, before: int) -> Run:
    """The run that has just ended: its calls are those after so many."""
    made = (await calls(world))[before:]
    mark_of = await marks(world)
    covered = {
        frozenset(mark_of[message] for message in answer.message_ids)
        for answer in (await answered(world)).values()
    }
    return Run(made, sum(call.marks not in covered for call in made))


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
    runs: list[Run] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(speak(world, chats, SPEAKING))
        for running in RUNNING:
            await asyncio.sleep(running)
            await rag.kill9()
            runs.append(await run_of(world, sum(len(run.calls) for run in runs)))
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
    delivered = await world.events(topics.DELIVERIES, AnswerDelivered)
    assert {one.answer_id for one in delivered} == set(answers)
    assert await world.events(topics.DELIVERIES, AnswerNotDelivered) == []

    ledger = await world.rows("deliveries")
    assert {row["_id"]: row["message_ids"] for row in ledger} == {
        str(one.id): [str(message) for message in one.message_ids] for one in answers.values()
    }
    kept = {row["_id"]: row.get("answered_by") for row in await world.rows("messages")}
    assert {message: kept[str(message)] for message in mark_of} == {
        message: str(one.id) for one in answers.values() for message in one.message_ids
    }

    received = Counter(str(one["chat"]) for one in await world.received())
    sent = Counter(
        answers[UUID(str(row["_id"]))].reply_to.chat for row in ledger for _ in parts(row)
    )
    seen = sum(len(run.calls) for run in runs)
    runs.append(await run_of(world, seen))
    lost = [run.lost for run in runs[:-1]]
    made = seen + len(runs[-1].calls)
    twice = made - sum(one.model is not None for one in answers.values())
    sizes = Counter(len(one.message_ids) for one in answers.values())
    print(
        f"{len(mark_of)} messages, {len(answers)} final answers "
        f"({', '.join(f'{count} to {size}' for size, count in sorted(sizes.items()))}), "
        f"{received.total()} received; {made} calls of the model, {twice} of them paid twice; "
        f"in flight at the kills: {lost}, without the model's reply a moment later: "
        f"{[run.pending for run in runs[:-1]]}"
    )
    assert received == sent, "a customer saw an answer twice"
    assert [run.asked_twice for run in runs] == [[]] * len(runs)
    assert sum(lost) > 0, "no kill met a call"
    assert twice <= sum(lost)
    assert len(answers) < len(mark_of), "nothing was answered together"


def parts(row: Row) -> Sequence[object]:
    """Those of an answer in the ledger."""
    there = row["parts"]
    assert isinstance(there, list)
    return there
