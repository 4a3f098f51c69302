"""Promises about handlers that fail: retries, outages, dead letters."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta

from recado_lanes import HandlerStuck, Permanent, Record, TooManyDeadLetters, Transient, Unavailable

from .ledger import Ledger, write
from .world import World, until


async def a_record_is_done_only_when_its_dead_letter_is_acknowledged(world: World) -> None:
    """And the letter is that record, unchanged."""

    async def handler(record: Record) -> None:
        if record.value == b"bad":
            raise Permanent("bad")

    world.dead_letters.errors = [Unavailable("away")] * 3
    await world.write(b"bad", key=b"k")
    await world.write(b"good", key=b"k")
    member = await world.member(handler)
    await until(world, lambda: len(world.dead_letters.letters) == 1)
    await member.stop()
    (letter,) = world.dead_letters.letters
    assert (letter.record.key, letter.record.value, letter.record.offset) == (b"k", b"bad", 0)


async def a_retry_keeps_its_place(world: World) -> None:
    """The next record of its key waits; other keys do not, though there is but one slot."""
    ledger = Ledger()
    failures = 3

    async def handler(record: Record) -> None:
        nonlocal failures
        if record.value == b"first" and failures:
            failures -= 1
            raise Transient("busy")
        await ledger(record)

    for value in (b"first", b"second", b"third"):
        await world.write(value, key=b"k")
    await world.write(b"v", key=b"other")
    await world.member(handler, concurrency=1)
    await until(world, lambda: len(set(ledger.done)) == 4)
    assert ledger.of_key[b"k"] == [(0, 0), (0, 1), (0, 2)]
    assert world.dead_letters.letters == []


async def an_outage_costs_nothing(world: World) -> None:
    """No attempt is spent, no record becomes a dead letter, one at a time is tried."""
    ledger = Ledger()
    failures = 30

    async def handler(record: Record) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise Unavailable("down")
        await ledger(record)

    places = await write(world, 20, keys=10)
    await world.member(handler, transient_attempts=1, bug_attempts=1)
    await until(world, lambda: set(ledger.done) == places)
    assert world.dead_letters.letters == []
    assert Counter(ledger.done) == Counter(places)


async def an_outage_that_looks_like_bad_records_stops_the_consumer(world: World) -> None:
    """Instead of emptying the topic."""

    async def handler(record: Record) -> None:
        raise Permanent("all is broken")

    await write(world, 20, keys=20)
    member = await world.member(handler, dead_letters_in_a_row=5)
    await until(world, lambda: isinstance(member.lanes.failure, TooManyDeadLetters))
    assert len(world.dead_letters.letters) < 5


async def a_handler_that_ignores_its_cancellation_stops_the_consumer(world: World) -> None:
    """It is not waited for, and its record is neither done nor a dead letter."""
    ends = asyncio.Event()

    async def deaf(record: Record) -> None:
        while not ends.is_set():
            with suppress(asyncio.CancelledError):
                await ends.wait()

    await world.write(b"v", key=b"k")
    soon = timedelta(milliseconds=50)
    member = await world.member(deaf, record_timeout=soon, cancel_grace=soon)
    try:
        await until(world, lambda: isinstance(member.lanes.failure, HandlerStuck))
    finally:
        ends.set()
    assert world.dead_letters.letters == []
    assert not await world.committed()
