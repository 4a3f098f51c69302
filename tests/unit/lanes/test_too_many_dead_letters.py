"""Failing records that are an outage, not bad records: the consumer stops before all is lost."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from recado_lanes import Permanent, Record, TooManyDeadLetters
from recado_lanes.guard import DeadLetterGuard
from recado_lanes.testing import FakeKafka, poll_until

from .conftest import OPTIONS, Bench


async def test_too_many_keys_failing_in_a_row_stop_the_consumer_before_the_last_is_lost(
    bench: Bench,
) -> None:
    async def handler(record: Record) -> None:
        raise Permanent("all is broken")

    consumer = await bench.add(handler, dead_letters_in_a_row=5)
    for n in range(20):
        bench.kafka.append("letters", b"a", key=b"%d" % n)
    await consumer.poll()
    with pytest.raises(TooManyDeadLetters):
        await bench.ended(consumer)
    assert len(bench.dead_letters.letters) == 4
    assert list(bench.kafka.committed.values()) == [4], "what became a letter is committed"
    assert isinstance(bench.watcher.failures[0], TooManyDeadLetters)


async def test_one_key_that_always_fails_stops_nothing(bench: Bench) -> None:
    async def handler(record: Record) -> None:
        raise Permanent("bad")

    consumer = await bench.add(handler, dead_letters_in_a_row=3)
    for _ in range(20):
        bench.kafka.append("letters", b"a", key=b"same")
    await bench.settle(consumer)
    assert len(bench.dead_letters.letters) == 20


async def test_a_success_breaks_the_row_of_failing_keys(bench: Bench) -> None:
    async def handler(record: Record) -> None:
        if record.offset % 3:
            raise Permanent("bad")

    consumer = await bench.add(
        handler, dead_letters_in_a_row=3, dead_letter_share=1.0, concurrency=1
    )
    for n in range(30):
        bench.kafka.append("letters", b"a", key=b"%d" % n)
    await bench.settle(consumer)
    assert len(bench.dead_letters.letters) == 20


async def test_what_goes_well_on_another_topic_does_not_hide_that_one_fails(bench: Bench) -> None:
    """Else a broken handler would empty its topic beside one that works."""

    parcel = asyncio.Event()

    async def handler(record: Record) -> None:
        if record.topic == "parcels":
            parcel.set()
            return
        await parcel.wait()
        parcel.clear()
        raise Permanent("all is broken")

    bench.kafka = FakeKafka({"letters": 1, "parcels": 1})
    consumer = await bench.add(handler, dead_letters_in_a_row=3)

    def given_up(number: int) -> bool:
        return len(bench.dead_letters.letters) > number or bool(bench.watcher.failures)

    for n in range(3):
        for topic in bench.kafka.topics:
            bench.kafka.append(topic, b"a", key=b"%d" % n)
        await poll_until(partial(given_up, n), consumer)
    with pytest.raises(TooManyDeadLetters):
        await bench.ended(consumer)


async def test_too_large_a_share_of_failing_keys_stops_the_consumer_although_some_succeed(
    bench: Bench,
) -> None:
    async def handler(record: Record) -> None:
        if record.offset % 3:
            raise Permanent("most are broken")

    consumer = await bench.add(
        handler, dead_letters_in_a_row=5, dead_letter_share=0.4, concurrency=1
    )
    for n in range(100):
        bench.kafka.append("letters", b"a", key=b"%d" % n)
    await consumer.poll()
    with pytest.raises(TooManyDeadLetters, match="5 of 8 keys"):
        await bench.ended(consumer)
    assert len(bench.dead_letters.letters) == 4


async def test_the_same_share_of_failures_from_few_keys_stops_nothing(bench: Bench) -> None:
    async def handler(record: Record) -> None:
        if record.key != b"0":
            raise Permanent("these are broken")

    consumer = await bench.add(handler, dead_letters_in_a_row=5, dead_letter_share=0.4)
    for n in range(100):
        bench.kafka.append("letters", b"a", key=b"%d" % (n % 4))
    await bench.settle(consumer)
    assert len(bench.dead_letters.letters) == 75


def test_keys_that_went_well_before_the_last_thousand_records_hide_nothing() -> None:
    """A long good past must not make an outage of now look small."""
    guard = DeadLetterGuard(replace(OPTIONS, dead_letters_in_a_row=50, dead_letter_share=0.5))
    for offset in range(5000):
        guard.succeeded(_record(offset))

    def most_fail() -> None:
        for offset in range(5000, 6000):
            if offset % 5 < 3:
                guard.failed(_record(offset), Permanent("most are broken"))
            else:
                guard.succeeded(_record(offset))

    with pytest.raises(TooManyDeadLetters, match="501 of 1000 keys"):
        most_fail()


def test_keyless_records_of_two_partitions_are_not_taken_for_one() -> None:
    """Else the share of those that fail would look larger than it is."""
    guard = DeadLetterGuard(replace(OPTIONS, dead_letters_in_a_row=5, dead_letter_share=0.4))
    for offset in range(6):
        for partition in (0, 1):
            guard.succeeded(_record(offset, partition=partition, key=None))
    for offset in range(6, 11):
        guard.failed(_record(offset, key=None), Permanent("some are broken"))
        guard.succeeded(_record(0, key=None))


def _record(offset: int, *, partition: int = 0, key: bytes | None = b"") -> Record:
    own = key if key is None else b"%d" % offset
    return Record("letters", partition, offset, own, b"v", (), datetime.now(UTC))
