"""Services scale and restart alone: the others go on, and every message is answered once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest

from recado.devstack.stack.integrations import TELEGRAM_SECRET_TOKEN
from recado.devstack.stack.ports import free_port
from recado.devstack.stack.services import SERVICES, Service
from recado.devstack.webhooks import WebhookPost, telegram_post
from recado.schemas import topics
from recado.schemas.events import MessageReceived
from support.prometheus import exposed
from support.world import World, eventually

QUESTION = "¿Cómo pago mi factura?"
PAUSE = 0.3
"""Seconds between two messages."""


def post_of(chat: int, number: int) -> WebhookPost:
    """The only message of this chat."""
    return telegram_post(
        chat,
        QUESTION,
        secret_token=TELEGRAM_SECRET_TOKEN,
        update_id=7_000_000 + number,
        message_id=number,
    )


@pytest.fixture
async def second_rag(world: World, tmp_path: Path) -> AsyncIterator[Service]:
    """Another rag process with the same environment."""
    rag = Service("rag", tmp_path, port=free_port(), environment=world.stack.environment)
    await rag.start()
    try:
        yield rag
    finally:
        await rag.stop()


async def test_two_rag_processes_share_the_work(world: World, second_rag: Service) -> None:
    """Both have partitions, both handle messages, and every message has one answer."""
    urls = [world.stack.service("rag").url, second_rag.url]

    async def partitions_are_shared() -> bool:
        had = [await exposed(url, "recado_assigned_partitions") for url in urls]
        return min(had) > 0 and sum(had) == topics.CONVERSATION_PARTITIONS

    async def handled() -> list[float]:
        name = "recado_records_handled_total"
        return [await exposed(url, name, outcome="handled") for url in urls]

    await eventually(partitions_are_shared, "partitions for both rag processes")
    before = await handled()
    chats = await world.new_chats(40)
    async with httpx.AsyncClient(timeout=20) as http:
        for number, chat in enumerate(chats):
            assert (await world.post(http, post_of(chat, number))).status_code == 200
    await assert_each_answered_once(world, chats)

    async def counted() -> bool:
        return sum(await handled()) - sum(before) == len(chats)

    await eventually(counted, "each message handled by one of the two")
    shares = [now - then for now, then in zip(await handled(), before, strict=True)]
    print(f"messages handled by the two rag processes: {shares[0]:.0f} and {shares[1]:.0f}")
    assert min(shares) > 0


async def test_each_service_is_stopped_and_started_alone_while_messages_come(
    world: World,
) -> None:
    """The platform repeats what ingress did not take; nothing else is needed."""
    chats: list[int] = []
    done = asyncio.Event()
    repeated: list[int] = []

    async def insist(http: httpx.AsyncClient, chat: int) -> None:
        for _attempt in range(100):
            try:
                if (await world.post(http, post_of(chat, chat))).status_code == 200:
                    return
            except httpx.HTTPError:
                repeated.append(chat)
            await asyncio.sleep(0.5)
        raise AssertionError("a webhook was never taken")

    async def keep_sending(http: httpx.AsyncClient) -> None:
        async with asyncio.TaskGroup() as sending:
            while not done.is_set():
                chats.extend(await world.new_chats(1))
                sending.create_task(insist(http, chats[-1]))
                await asyncio.sleep(PAUSE)

    async with httpx.AsyncClient(timeout=20) as http, asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_sending(http))
        try:
            for name in SERVICES:
                service = world.stack.service(name)
                await service.stop()
                others = [one for one in SERVICES if one != name]
                assert all([await world.stack.service(one).is_ready() for one in others]), name
                await asyncio.sleep(3 * PAUSE)
                await service.start()
        finally:
            done.set()
    print(f"{len(chats)} messages, {len(set(repeated))} of them sent again while ingress was away")
    assert repeated, "ingress was never away"
    await assert_each_answered_once(world, chats)


async def assert_each_answered_once(world: World, chats: Sequence[int]) -> None:
    """One reply to each chat, and one final answer to each message."""
    wanted = {str(chat) for chat in chats}

    async def all_answered() -> bool:
        return wanted <= {str(one["chat"]) for one in await world.received("telegram")}

    await eventually(all_answered, f"a reply to each of {len(wanted)} chats")
    await world.settle()
    replies = Counter(str(one["chat"]) for one in await world.received("telegram"))
    assert {chat: replies[chat] for chat in wanted} == dict.fromkeys(wanted, 1)
    messages = [
        one
        for one in await world.events(topics.MESSAGES, MessageReceived)
        if one.reply_to.chat in wanted
    ]
    answers = {answer.id: answer for answer in await world.answers_to(messages)}
    covered = Counter(message for answer in answers.values() for message in answer.message_ids)
    assert covered == dict.fromkeys({message.id for message in messages}, 1)
