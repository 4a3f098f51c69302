"""Many answers at once: the platform sees its limit used, and never more than it takes."""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import httpx
import pytest

from recado.devstack.stack.mongodb import MongoDb
from recado.devstack.stack.services import Service
from recado.schemas.topics import ANSWERS
from recado.servicekit.partitions import partition_of
from support.dispatcher_bench import Bench
from support.dispatching import conversation_of

from .test_dispatcher import answer_now, on_telegram

ANSWERS_AT_ONCE = 2000
TELEGRAM_PER_SECOND = 30
"""The channel's own figure; the integrations file says nothing."""


@pytest.mark.long
@pytest.mark.parametrize("processes", [1, 3])
async def test_2000_answers_at_once_go_out_at_the_limit_and_in_no_second_above_it(
    bench: Bench, new_mongodb: MongoDb, unique: Callable[[], int], processes: int
) -> None:
    """To as many chats, whose partitions the processes share without knowing of each other."""
    chats = _uniform(unique())
    await bench.customers(*({"platform": "telegram", "chat": chat} for chat in chats))
    services = [await bench.dispatcher(new_mongodb.url) for _ in range(processes)]
    await _until_shared(services)
    for start in range(0, ANSWERS_AT_ONCE, 200):
        some = chats[start : start + 200]
        await bench.publish(*(answer_now(1, on_telegram(chat)) for chat in some))
    times = await _arrivals(bench, chats, ANSWERS_AT_ONCE)
    busiest = _busiest_second(times)
    used = (len(times) - 1) / (times[-1] - times[0]).total_seconds() / TELEGRAM_PER_SECOND
    print(
        f"\n{processes} dispatchers: {len(times)} answers in {times[-1] - times[0]}, "
        f"{used:.1%} of {TELEGRAM_PER_SECOND} a second, {busiest} in the busiest second"
    )
    assert busiest <= TELEGRAM_PER_SECOND
    assert used >= 0.9


def _uniform(first: int) -> list[int]:
    """Chats from this number on, as many in each partition as in any other, give or take one."""
    room = dict.fromkeys(range(ANSWERS.partitions), -(-ANSWERS_AT_ONCE // ANSWERS.partitions))
    chats: list[int] = []
    chat = first
    while len(chats) < ANSWERS_AT_ONCE:
        key = conversation_of(on_telegram(chat)).encode()
        partition = partition_of(key, ANSWERS.partitions)
        if room[partition]:
            room[partition] -= 1
            chats.append(chat)
        chat += 1
    return chats


async def _until_shared(services: Sequence[Service]) -> None:
    """Until each has its part of the partitions, and together they have all."""
    async with asyncio.timeout(60), httpx.AsyncClient() as http:
        while True:
            owned = []
            for service in services:
                page = (await http.get(f"{service.url}/metrics")).text
                name = f'recado_assigned_partitions{{topic="{ANSWERS.name}"}} '
                owned += [
                    float(line.removeprefix(name))
                    for line in page.splitlines()
                    if line.startswith(name)
                ]
            if sum(owned) == ANSWERS.partitions and max(owned) - min(owned) <= 1:
                return
            await asyncio.sleep(0.2)


async def _arrivals(bench: Bench, chats: Sequence[int], count: int) -> list[datetime]:
    """When the platform took the answers to these chats, in order."""
    times: list[datetime] = []
    ours = {str(chat) for chat in chats}
    after = 0
    async with asyncio.timeout(timedelta(minutes=5).total_seconds()):
        while len(times) < count:
            page = await bench.http.get(
                "/control/messages", params={"after": after, "limit": 1000, "wait": 5}
            )
            page.raise_for_status()
            body = page.json()
            times += [
                datetime.fromisoformat(one["at"]) for one in body["messages"] if one["chat"] in ours
            ]
            after = body["next"]
            await asyncio.sleep(1)
    return sorted(times)


def _busiest_second(times: Sequence[datetime]) -> int:
    """The most that came within any second, wherever it begins."""
    second = timedelta(seconds=1)
    return max(bisect_left(times, at + second) - number for number, at in enumerate(times))
