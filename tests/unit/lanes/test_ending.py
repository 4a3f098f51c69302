"""Lanes that are stopped, and lanes that something else has ended."""

import asyncio
from datetime import timedelta

import pytest

from recado_lanes import ConsumerFailed, LaneOptions, Lanes, Record
from recado_lanes.testing import FakeConsumer, FakeDeadLetters, FakeKafka, poll_until

from .conftest import ZERO, Bench, Gate


async def test_stop_drains_commits_and_takes_nothing_more(bench: Bench) -> None:
    gate = Gate()
    consumer = await bench.add(gate, commit_interval=timedelta(hours=1))
    assert consumer.lanes is not None
    for _ in range(3):
        bench.kafka.append("letters", b"a")
    await poll_until(lambda: gate.begun == [0], consumer)
    stopping = asyncio.create_task(consumer.lanes.stop())
    await asyncio.sleep(0)
    bench.kafka.append("letters", b"late")
    await consumer.poll()
    gate.open.set()
    await stopping
    await bench.ended(consumer)
    assert gate.ended == [0]
    assert bench.kafka.committed == {ZERO: 1}


async def test_a_revocation_during_stop_waits_until_nothing_is_worked_on(bench: Bench) -> None:
    gate = Gate()
    consumer = await bench.add(gate)
    assert consumer.lanes is not None
    bench.kafka.append("letters", b"a")
    await poll_until(lambda: gate.begun == [0], consumer)
    stopping = asyncio.create_task(consumer.lanes.stop())
    await asyncio.sleep(0)
    revoking = asyncio.create_task(consumer.revoke())
    await asyncio.sleep(0.01)
    assert not revoking.done()
    gate.open.set()
    await asyncio.gather(stopping, revoking)
    assert bench.kafka.committed == {ZERO: 1}


async def test_as_a_context_manager_lanes_raise_what_stopped_them() -> None:
    async def handler(record: Record) -> None:
        pass

    kafka = FakeKafka({"letters": 1})
    lanes = Lanes(
        handlers={"letters": handler},
        consumer=FakeConsumer(kafka),
        dead_letters=FakeDeadLetters(),
        options=LaneOptions(service="tests"),
    )

    async def body() -> None:
        async with lanes:
            lanes.fail(ConsumerFailed("gone"))
            await lanes.wait()

    with pytest.raises(ConsumerFailed, match="gone"):
        await body()
