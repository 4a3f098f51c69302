"""What becomes of a record: handled, retried in place, dead letter, or waiting for an outage."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from recado_lanes import (
    ConsumerFailed,
    HandlerStuck,
    Permanent,
    Record,
    Skipped,
    Transient,
    Unavailable,
)
from recado_lanes.errors import DeadLetterFailed
from recado_lanes.testing import poll_until

from .conftest import Bench


async def test_records_are_handled_in_order_and_committed(bench: Bench) -> None:
    seen: list[int] = []

    async def handler(record: Record) -> None:
        await asyncio.sleep(0)
        seen.append(record.offset)

    consumer = await bench.add(handler)
    for n in range(20):
        bench.kafka.append("letters", b"%d" % n, key=b"k", skip=n % 3)
    await bench.settle(consumer)
    assert seen == [r.offset for log in bench.kafka.logs.values() for r in log]


async def test_a_slow_partition_delays_no_other(bench: Bench) -> None:
    never = asyncio.Event()
    handled: list[int] = []

    async def handler(record: Record) -> None:
        if record.partition == 0:
            await never.wait()
        handled.append(record.partition)

    consumer = await bench.add(handler)
    bench.kafka.append("letters", b"slow", partition=0)
    bench.kafka.append("letters", b"quick", partition=1)
    await poll_until(lambda: handled == [1], consumer)


async def test_a_transient_error_is_retried_in_place_before_the_next_record(bench: Bench) -> None:
    calls: list[int] = []

    async def handler(record: Record) -> None:
        calls.append(record.offset)
        if len(calls) < 4:
            raise Transient("busy")

    consumer = await bench.add(handler)
    bench.kafka.append("letters", b"a")
    bench.kafka.append("letters", b"b")
    await bench.settle(consumer)
    assert calls == [0, 0, 0, 0, 1]
    assert bench.dead_letters.letters == []


async def test_a_transient_error_that_stays_becomes_a_dead_letter_after_its_attempts(
    bench: Bench,
) -> None:
    async def handler(record: Record) -> None:
        raise Transient("busy")

    consumer = await bench.add(handler, transient_attempts=4)
    bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    (letter,) = bench.dead_letters.letters
    assert (letter.attempts, letter.error) == (4, "recado_lanes.errors.Transient")


async def test_a_wait_longer_than_the_records_time_is_not_waited_for(bench: Bench) -> None:
    calls = 0

    async def handler(record: Record) -> None:
        nonlocal calls
        calls += 1
        raise Transient("busy", retry_after=timedelta(hours=1))

    consumer = await bench.add(handler)
    bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    assert calls == 1
    assert len(bench.dead_letters.letters) == 1


async def test_a_permanent_error_becomes_a_dead_letter_at_once_and_the_next_record_goes_on(
    bench: Bench,
) -> None:
    handled: list[bytes | None] = []

    async def handler(record: Record) -> None:
        if record.value == b"bad":
            raise Permanent("unreadable")
        handled.append(record.value)

    consumer = await bench.add(handler)
    bad = bench.kafka.append("letters", b"bad", key=b"k", headers=[("h", b"\xff")])
    bench.kafka.append("letters", b"good")
    await bench.settle(consumer)
    (letter,) = bench.dead_letters.letters
    assert letter.record == bad
    assert letter.attempts == 1
    assert dict(letter.headers) == {
        "h": b"\xff",
        "dead_letter_topic": b"letters",
        "dead_letter_partition": b"0",
        "dead_letter_offset": b"0",
        "dead_letter_timestamp": b"2026-01-01T00:00:00+00:00",
        "dead_letter_service": b"tests",
        "dead_letter_error": b"recado_lanes.errors.Permanent",
        "dead_letter_message": b"unreadable",
        "dead_letter_attempts": b"1",
    }
    assert handled == [b"good"]


@pytest.mark.parametrize("bug", [KeyError("x"), TimeoutError("of its own")])
async def test_a_bug_gets_few_attempts_then_becomes_a_dead_letter(
    bench: Bench, bug: Exception
) -> None:
    async def handler(record: Record) -> None:
        raise bug

    consumer = await bench.add(handler, bug_attempts=2)
    bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    (letter,) = bench.dead_letters.letters
    assert (letter.attempts, letter.error) == (2, f"builtins.{type(bug).__name__}")


async def test_a_handler_that_cancels_itself_is_a_bug_and_stops_nothing(bench: Bench) -> None:
    async def handler(record: Record) -> None:
        raise asyncio.CancelledError

    consumer = await bench.add(handler)
    bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    assert bench.dead_letters.letters[0].error == "recado_lanes.errors.HandlerCancelled"


async def test_unavailable_spends_no_attempt_and_is_reported_once_however_often_probed(
    bench: Bench,
) -> None:
    calls = 0

    async def handler(record: Record) -> None:
        nonlocal calls
        calls += 1
        if calls <= 30:
            raise Unavailable("down")

    consumer = await bench.add(handler, transient_attempts=2, bug_attempts=1)
    bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    assert calls == 31
    assert bench.dead_letters.letters == []
    assert bench.watcher.events == ["unavailable", "available"]


async def test_a_record_that_takes_too_long_is_cancelled_and_becomes_a_dead_letter(
    bench: Bench,
) -> None:
    cancelled = asyncio.Event()

    async def handler(record: Record) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    consumer = await bench.add(handler, record_timeout=timedelta(milliseconds=20))
    bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    assert cancelled.is_set()
    assert bench.dead_letters.letters[0].error == "recado_lanes.errors.RecordTimedOut"


async def test_a_handler_that_ignores_its_cancellation_stops_the_consumer(bench: Bench) -> None:
    release = asyncio.Event()

    async def handler(record: Record) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    consumer = await bench.add(
        handler,
        record_timeout=timedelta(milliseconds=10),
        cancel_grace=timedelta(milliseconds=10),
    )
    bench.kafka.append("letters", b"a")
    await consumer.poll()
    with pytest.raises(HandlerStuck):
        await bench.ended(consumer)
    release.set()
    assert bench.kafka.committed == {}


async def test_a_record_is_committed_only_after_its_dead_letter_is_acknowledged(
    bench: Bench,
) -> None:
    calls = 0

    async def handler(record: Record) -> None:
        nonlocal calls
        calls += 1
        raise Permanent("bad")

    bench.dead_letters.errors = [Unavailable("away")] * 5
    committed_at: list[int] = []

    consumer = await bench.add(handler)
    bench.kafka.append("letters", b"a")

    def committed() -> bool:
        if bench.kafka.committed:
            committed_at.append(len(bench.dead_letters.letters))
        return bench.kafka.all_committed

    await poll_until(committed, consumer)
    assert committed_at == [1]
    assert calls == 1, "the handler is not called again for the letter's sake"


async def test_a_dead_letter_that_is_refused_for_good_stops_the_consumer(bench: Bench) -> None:
    async def handler(record: Record) -> None:
        raise Permanent("bad")

    bench.dead_letters.errors = [ValueError("too large")]
    consumer = await bench.add(handler)
    bench.kafka.append("letters", b"a")
    await consumer.poll()
    with pytest.raises(DeadLetterFailed):
        await bench.ended(consumer)
    assert bench.kafka.committed == {}


async def test_a_handler_that_can_not_go_on_ends_the_consumer_and_its_record_is_not_done(
    bench: Bench,
) -> None:
    """What is beyond repair in this process may work in the next."""

    async def handler(record: Record) -> None:
        raise ConsumerFailed("the connection is spoilt")

    consumer = await bench.add(handler)
    bench.kafka.append("letters", b"a", key=b"k")
    await consumer.poll()
    with pytest.raises(ConsumerFailed, match="spoilt"):
        await bench.ended(consumer)
    assert bench.kafka.committed == {}
    assert bench.dead_letters.letters == []


async def test_tombstones_are_skipped_counted_and_committed(bench: Bench) -> None:
    seen: list[Record] = []

    async def handler(record: Record) -> None:
        seen.append(record)

    consumer = await bench.add(handler)
    bench.kafka.append("letters", None, key=b"k")
    await bench.settle(consumer)
    assert seen == []
    assert Counter(bench.watcher.skips) == {Skipped.TOMBSTONE: 1}


async def test_tombstones_reach_the_handler_if_the_options_say_so(bench: Bench) -> None:
    seen: list[Record] = []

    async def handler(record: Record) -> None:
        seen.append(record)

    consumer = await bench.add(handler, handle_tombstones=True)
    tombstone = bench.kafka.append("letters", None, key=b"k")
    await bench.settle(consumer)
    assert seen == [tombstone]
