"""What is done beyond the first gap is not done again by whoever reads on from there."""

import asyncio
from datetime import timedelta

from recado_lanes import Committed, Record, Skipped
from recado_lanes.metadata import Completed, encode
from recado_lanes.testing import FakeConsumer, poll_until

from .conftest import ZERO, Bench


class SlowFirst:
    """The first record waits; all others are done at once."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.done: list[int] = []

    async def __call__(self, record: Record) -> None:
        if record.offset == 0:
            await self.open.wait()
        self.done.append(record.offset)


def write(bench: Bench, count: int) -> None:
    for n in range(count):
        bench.kafka.append("letters", b"a", key=b"%d" % n)


async def test_after_a_crash_only_what_was_in_flight_is_done_again(bench: Bench) -> None:
    slow = SlowFirst()
    write(bench, 30)
    first = await bench.add(slow)
    await poll_until(lambda: bool(bench.kafka.metadata.get(ZERO)), first)
    await poll_until(lambda: bench.done_in_metadata(ZERO) == 29)
    assert bench.kafka.committed == {ZERO: 0}
    await bench.crash(first)
    slow.open.set()
    second = await bench.add(slow)
    await bench.settle(second)
    assert sorted(slow.done) == list(range(30))
    assert bench.watcher.skips == [Skipped.DONE] * 29
    assert bench.watcher.metadata == [(ZERO, 29, None)]


async def test_a_partition_that_comes_back_is_not_done_twice(bench: Bench) -> None:
    slow = SlowFirst()
    write(bench, 10)
    consumer = await bench.add(
        slow, drain_budget=timedelta(milliseconds=5), commit_interval=timedelta(hours=1)
    )
    await poll_until(lambda: len(slow.done) == 9, consumer)
    await bench.kafka.rebalance()
    slow.open.set()
    await poll_until(lambda: len(slow.done) == 10, consumer)
    await consumer.revoke()
    assert sorted(slow.done) == list(range(10))
    assert bench.kafka.all_committed


async def test_what_is_done_but_not_polled_again_yet_is_not_forgotten(bench: Bench) -> None:
    """A member that comes up and goes after its first poll knows it only from the metadata."""
    slow = SlowFirst()
    write(bench, 30)
    first = await bench.add(slow)
    await poll_until(lambda: bench.done_in_metadata(ZERO) == 29, first)
    await bench.crash(first)
    second = await bench.add(slow)
    await second.poll(3)
    await poll_until(lambda: len(bench.watcher.skips) == 2)
    await asyncio.sleep(0.01)
    assert bench.done_in_metadata(ZERO) == 29
    await bench.crash(second)
    slow.open.set()
    third = await bench.add(slow)
    await bench.settle(third)
    assert sorted(slow.done) == list(range(30))


async def test_metadata_of_a_topic_that_was_made_anew_is_ignored_and_told(bench: Bench) -> None:
    slow = SlowFirst()
    slow.open.set()
    write(bench, 5)
    bench.kafka.committed[ZERO] = 0
    bench.kafka.metadata[ZERO] = encode(Completed(0, 1234, ((1, 5),)))
    consumer = await bench.add(slow)
    await bench.settle(consumer)
    assert sorted(slow.done) == list(range(5))
    assert bench.watcher.metadata == [(ZERO, 0, "it belongs to another log")]


async def test_metadata_that_is_not_ours_is_ignored_and_told(bench: Bench) -> None:
    slow = SlowFirst()
    slow.open.set()
    write(bench, 5)
    bench.kafka.committed[ZERO] = 0
    bench.kafka.metadata[ZERO] = "somebody else's"
    consumer = await bench.add(slow)
    await bench.settle(consumer)
    assert sorted(slow.done) == list(range(5))
    assert [ignored for _, _, ignored in bench.watcher.metadata] == [
        "not written by lanes, or by another version"
    ]


async def test_if_the_metadata_can_not_be_read_more_is_repeated_and_that_is_all(
    bench: Bench,
) -> None:
    slow = SlowFirst()
    slow.open.set()
    consumer = await bench.add(slow, join=False)
    consumer.committed_error = ConnectionError()
    write(bench, 5)
    await bench.kafka.join(consumer)
    await bench.settle(consumer)
    assert sorted(slow.done) == list(range(5))
    assert {ignored for _, _, ignored in bench.watcher.metadata} == {
        "it could not be read: ConnectionError"
    }


async def test_intake_pauses_before_the_metadata_would_be_too_large(bench: Bench) -> None:
    """Every second key is slow, so that nothing can be said in few words."""
    release = asyncio.Event()
    done: list[int] = []

    async def handler(record: Record) -> None:
        if record.offset % 2 == 0:
            await release.wait()
        done.append(record.offset)

    limit = 120
    consumer = await bench.add(
        handler, metadata_limit=limit, high_water=5000, concurrency=5000, max_waiting=100_000
    )
    write(bench, 3000)
    await poll_until(lambda: ZERO in consumer.paused, consumer, max_records=50)
    await poll_until(lambda: len(bench.kafka.metadata.get(ZERO, "")) > limit / 2)
    position = consumer.positions[ZERO]
    assert position < 3000
    await poll_until(lambda: bench.done_in_metadata(ZERO) == position // 2)
    assert len(bench.kafka.metadata[ZERO]) <= limit
    assert consumer.lanes is not None
    assert consumer.lanes.progress().partitions[ZERO].paused == {"metadata"}
    release.set()
    await bench.settle(consumer)
    assert sorted(done) == list(range(3000))


async def test_one_slow_record_stops_no_intake_however_much_is_done_behind_it(
    bench: Bench,
) -> None:
    slow = SlowFirst()
    write(bench, 30_000)
    consumer = await bench.add(slow)
    await poll_until(lambda: len(slow.done) == 29_999, consumer)
    await poll_until(lambda: bench.done_in_metadata(ZERO) == 29_999)
    assert len(bench.kafka.metadata[ZERO]) < 60
    assert bench.kafka.committed[ZERO] == 0
    slow.open.set()
    await bench.settle(consumer)


async def test_without_room_for_metadata_none_is_written(bench: Bench) -> None:
    slow = SlowFirst()
    consumer = await bench.add(slow, metadata_limit=0)
    write(bench, 5)
    await poll_until(lambda: len(slow.done) == 4 and bool(bench.kafka.commits), consumer)
    assert bench.kafka.metadata == {ZERO: ""}


async def test_the_restore_hook_gets_the_first_record_that_is_not_done(bench: Bench) -> None:
    slow = SlowFirst()
    restored: list[int] = []

    async def restore(record: Record) -> None:
        restored.append(record.offset)

    write(bench, 5)
    first = await bench.add(slow, restore=restore)
    await poll_until(lambda: bench.done_in_metadata(ZERO) == 4, first)
    await bench.crash(first)
    slow.open.set()
    second = await bench.add(slow, restore=restore)
    await bench.settle(second)
    assert restored == [0, 0]


async def test_a_commit_without_metadata_takes_what_was_there_away(bench: Bench) -> None:
    """The fake's own promise, as a broker does it."""
    consumer = FakeConsumer(bench.kafka)
    await bench.kafka.join(consumer)
    await consumer.commit({ZERO: 1}, {ZERO: "text"})
    assert await consumer.committed([ZERO]) == {ZERO: Committed(1, "text")}
    await consumer.commit({ZERO: 2})
    assert await consumer.committed([ZERO]) == {ZERO: Committed(2, "")}
