"""A consumer in one call, on the real Kafka."""

import asyncio
import gc
import os
import signal
from datetime import timedelta

import pytest
from aiokafka.errors import KafkaError

from recado.devstack.stack.ports import free_port
from recado_lanes import Fatal, LaneOptions, Permanent, Record, TooManyDeadLetters
from recado_lanes.consume import consume
from recado_lanes.kafka import GroupOptions

from .conftest import PATIENCE, Group


async def ended(consumer: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(PATIENCE):
        await consumer


async def test_what_is_handled_and_what_is_given_up_is_committed_when_it_is_stopped(
    group: Group,
) -> None:
    """The dead letter is in its topic and names the group as the service."""
    until, seen = asyncio.Event(), list[bytes | None]()

    async def handle(record: Record) -> None:
        seen.append(record.value)
        if record.value == b"1":
            raise Permanent("no")

    await group.write(3, keys=3)
    consumer = asyncio.create_task(
        consume(
            group.bootstrap,
            {group.topic: handle},
            group=group.group_id,
            dead_letters=group.dead_topic,
            until=until,
        )
    )
    (letter,) = await group.dead_letters(1)
    async with asyncio.timeout(PATIENCE):
        while len(seen) < 3:  # noqa: ASYNC110 - there is nobody to say so
            await asyncio.sleep(0.02)
    until.set()
    await ended(consumer)
    assert letter.value == b"1"
    assert group.group_id.encode() in dict(letter.headers).values()
    assert await group.committed() == await group.end_offsets()


async def test_the_first_signal_drains_the_second_ends_at_once(group: Group) -> None:
    """Without an event of the caller's. Afterwards signals mean what they meant before."""
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(_record: Record) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    before = signal.getsignal(signal.SIGTERM)
    await group.write(1, keys=1)
    consumer = asyncio.create_task(
        consume(
            group.bootstrap,
            {group.topic: hang},
            group=GroupOptions(group.group_id, rebalance_timeout=timedelta(minutes=10)),
            dead_letters=group.dead_topic,
            options=LaneOptions(service="tests", drain_budget=timedelta(minutes=5)),
        )
    )
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0.2)
    assert not cancelled.is_set(), "the first signal drains"
    os.kill(os.getpid(), signal.SIGTERM)
    await ended(consumer)
    assert cancelled.is_set()
    assert await group.committed() == {}
    assert signal.getsignal(signal.SIGTERM) == before


async def test_what_ends_the_lanes_is_raised(group: Group) -> None:
    """So that the process ends with it."""

    async def refuse(_record: Record) -> None:
        raise Permanent("no")

    await group.write(2, keys=2)
    consumer = asyncio.create_task(
        consume(
            group.bootstrap,
            {group.topic: refuse},
            group=group.group_id,
            dead_letters=group.dead_topic,
            options=LaneOptions(service="tests", dead_letters_in_a_row=1),
        )
    )
    with pytest.raises(Fatal) as fatal:
        await ended(consumer)
    assert isinstance(fatal.value, TooManyDeadLetters)


@pytest.mark.filterwarnings("error::ResourceWarning")
@pytest.mark.parametrize(
    ("group", "error"),
    [
        (GroupOptions("g"), KafkaError),
        (GroupOptions("g", rebalance_timeout=timedelta(seconds=1)), ValueError),
    ],
    ids=["no-kafka", "options-that-contradict-each-other"],
)
async def test_what_can_not_begin_is_an_error_and_leaves_nothing_open(
    group: GroupOptions, error: type[Exception]
) -> None:
    async def never(_record: Record) -> None:
        raise AssertionError

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(error):
        await consume(
            f"127.0.0.1:{free_port()}", {"letters": never}, group=group, dead_letters="dead"
        )
    gc.collect()
    assert signal.getsignal(signal.SIGTERM) == before
