"""Taking records in: never waiting for handling, counted, paused where too much waits."""

import pytest

from recado_lanes import OffsetWentBack, Record, UnknownTopic
from recado_lanes.testing import FakeKafka, poll_until

from .conftest import ZERO, Bench, Gate


async def test_submit_never_waits_for_handling(bench: Bench) -> None:
    gate = Gate()
    consumer = await bench.add(gate)
    for _ in range(50):
        bench.kafka.append("letters", b"a")
    await consumer.poll()
    await poll_until(lambda: gate.begun == [0])
    assert gate.ended == []


async def test_the_backlog_counts_what_is_in_work_and_what_waits(bench: Bench) -> None:
    """One record in work and two behind it; nothing once they are done."""
    gate = Gate()
    consumer = await bench.add(gate)
    for _ in range(3):
        bench.kafka.append("letters", b"a")
    await consumer.poll()
    await poll_until(lambda: gate.begun == [0])
    lanes = consumer.lanes
    assert lanes is not None
    assert sum(lanes.backlog("letters")) == 3
    assert lanes.backlog("other") == []
    gate.open.set()
    await poll_until(lambda: gate.ended == [0, 1, 2])
    await poll_until(lambda: not any(lanes.backlog("letters")))


async def test_a_partition_with_too_much_waiting_is_paused_while_others_are_polled(
    bench: Bench,
) -> None:
    gate = Gate()
    other: list[int] = []

    async def handler(record: Record) -> None:
        if record.partition == 0:
            await gate(record)
        else:
            other.append(record.offset)

    consumer = await bench.add(handler, high_water=10, low_water=3)
    for _ in range(100):
        bench.kafka.append("letters", b"a", partition=0)
    await poll_until(lambda: ZERO in consumer.paused, consumer, max_records=2)
    position = consumer.positions[ZERO]
    for _ in range(30):
        bench.kafka.append("letters", b"b", partition=1)
    await poll_until(lambda: len(other) == 30, consumer, max_records=2)
    assert consumer.positions[ZERO] == position == 10
    gate.open.set()
    await bench.settle(consumer)
    assert gate.ended == list(range(100))
    assert "resumed" in bench.watcher.events


async def test_an_offset_that_goes_back_within_an_assignment_is_an_alarm(bench: Bench) -> None:
    async def handler(record: Record) -> None:
        pass

    consumer = await bench.add(handler)
    for _ in range(3):
        bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    consumer.positions[ZERO] = 1
    await consumer.poll()
    with pytest.raises(OffsetWentBack):
        await bench.ended(consumer)


async def test_a_record_of_a_topic_without_handler_stops_the_consumer(bench: Bench) -> None:
    async def handler(record: Record) -> None:
        pass

    consumer = await bench.add(handler)
    assert consumer.lanes is not None
    await consumer.lanes.submit([FakeKafka({"other": 1}).append("other", b"a")])
    with pytest.raises(UnknownTopic):
        await bench.ended(consumer)
