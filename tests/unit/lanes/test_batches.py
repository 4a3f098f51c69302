"""Coalescing: a handler that gets all that waits for its key."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from recado_lanes import Batch, Permanent, Record, Transient
from recado_lanes.testing import poll_until

from .conftest import Bench


class Batches:
    """Notes the values of each batch; waits while it is told to."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.begun = 0
        self.done: list[list[bytes | None]] = []
        self.errors: list[Exception] = []

    async def __call__(self, records: Sequence[Record]) -> None:
        self.begun += 1
        assert len({record.key for record in records}) == 1
        await self.open.wait()
        if self.errors:
            raise self.errors.pop(0)
        if len(records) > 0 and any(record.value == b"bad" for record in records):
            raise Permanent("bad")
        self.done.append([record.value for record in records])


def alone(record: Record) -> bool:
    return (record.value or b"").startswith(b"/")


def write(bench: Bench, *values: bytes, key: bytes = b"k") -> None:
    for value in values:
        bench.kafka.append("letters", value, key=key)


async def test_what_came_while_a_key_was_busy_is_handed_over_together(bench: Bench) -> None:
    batches = Batches()
    batches.open.clear()
    consumer = await bench.add(Batch(batches))
    write(bench, b"a")
    await poll_until(lambda: batches.begun == 1, consumer)
    write(bench, b"b", b"c", b"d")
    write(bench, b"other", key=b"o")
    await consumer.poll()
    assert bench.kafka.committed == {}
    batches.open.set()
    await bench.settle(consumer)
    assert sorted(map(len, batches.done)) == [1, 1, 3]
    assert [b"b", b"c", b"d"] in batches.done


async def test_a_batch_has_no_more_records_than_it_may(bench: Bench) -> None:
    batches = Batches()
    consumer = await bench.add(Batch(batches, max_records=3))
    write(bench, *(b"%d" % n for n in range(8)))
    await bench.settle(consumer)
    assert [len(batch) for batch in batches.done] == [3, 3, 2]
    assert [value for batch in batches.done for value in batch] == [b"%d" % n for n in range(8)]


async def test_a_record_that_must_stand_alone_ends_the_batch_before_it(bench: Bench) -> None:
    batches = Batches()
    consumer = await bench.add(Batch(batches, alone=alone))
    write(bench, b"a", b"b", b"/reset", b"/help", b"c", b"d")
    await bench.settle(consumer)
    assert batches.done == [[b"a", b"b"], [b"/reset"], [b"/help"], [b"c", b"d"]]


async def test_a_record_that_can_not_be_read_stands_alone_and_ends_nothing(bench: Bench) -> None:
    def unreadable(record: Record) -> bool:
        if record.value == b"bad":
            raise UnicodeError
        return False

    batches = Batches()
    consumer = await bench.add(Batch(batches, alone=unreadable, settle=timedelta(hours=1)))
    write(bench, b"a", b"bad")
    await bench.settle(consumer)
    assert batches.done == [[b"a"]]
    assert [letter.record.value for letter in bench.dead_letters.letters] == [b"bad"]


async def test_a_settling_key_waits_for_more_and_holds_no_slot(bench: Bench) -> None:
    batches = Batches()
    settle = timedelta(seconds=0.3)
    consumer = await bench.add(Batch(batches, settle=settle, max_records=4), concurrency=1)
    write(bench, b"a")
    await consumer.poll()
    assert consumer.lanes is not None
    write(bench, b"1", b"2", b"3", b"4", key=b"full")
    await poll_until(lambda: len(batches.done) == 1, consumer)
    assert batches.done == [[b"1", b"2", b"3", b"4"]], "a full batch does not wait"
    write(bench, b"b", b"c")
    await bench.settle(consumer)
    assert batches.done[1:] == [[b"a", b"b", b"c"]]


async def test_a_record_that_stands_alone_ends_the_settling(bench: Bench) -> None:
    batches = Batches()
    consumer = await bench.add(Batch(batches, settle=timedelta(hours=1), alone=alone))
    write(bench, b"a", b"/reset")
    await bench.settle(consumer)
    assert batches.done == [[b"a"], [b"/reset"]]


async def test_a_revocation_does_not_wait_for_a_key_that_settles(bench: Bench) -> None:
    batches = Batches()
    consumer = await bench.add(Batch(batches, settle=timedelta(hours=1)))
    write(bench, b"a")
    await consumer.poll()
    await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        await consumer.revoke()
    assert batches.begun == 0
    assert bench.kafka.committed == {}


async def test_a_batch_is_tried_again_as_it_was(bench: Bench) -> None:
    batches = Batches()
    batches.errors = [Transient("busy"), Transient("busy")]
    consumer = await bench.add(Batch(batches))
    write(bench, b"a", b"b")
    await bench.settle(consumer)
    assert batches.done == [[b"a", b"b"]]
    assert batches.begun == 3


async def test_of_a_batch_that_can_not_succeed_only_the_one_to_blame_is_given_up(
    bench: Bench,
) -> None:
    batches = Batches()
    consumer = await bench.add(Batch(batches))
    write(bench, b"a", b"bad", b"c")
    await bench.settle(consumer)
    assert batches.done == [[b"a"], [b"c"]]
    assert [letter.record.value for letter in bench.dead_letters.letters] == [b"bad"]


async def test_a_batch_is_done_together_or_not_at_all(bench: Bench) -> None:
    batches = Batches()
    batches.open.clear()
    consumer = await bench.add(Batch(batches), drain_budget=timedelta(0))
    write(bench, b"a", b"b", b"c")
    await poll_until(lambda: batches.begun == 1, consumer)
    await consumer.revoke()
    assert bench.kafka.committed == {}


@pytest.mark.parametrize("wrong", [{"max_records": 0}, {"settle": timedelta(seconds=-1)}])
def test_a_batch_with_limits_that_make_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must"):
        Batch(Batches(), **wrong)  # type: ignore[arg-type]  # any of its fields
