"""The promises of lanes, each played on a world; one that is broken raises or times out."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from recado_lanes import (
    Batch,
    Committed,
    HandlerStuck,
    Partition,
    Permanent,
    Record,
    TooManyDeadLetters,
    Transient,
    Unavailable,
)
from recado_lanes.metadata import Completed, encode

from .world import World, claimed, reject_commits, until

Promise = Callable[[World], Awaitable[None]]


class Ledger:
    """A handler that notes what it did, and whether a key was ever in two places."""

    def __init__(self, pace: float = 0.0) -> None:
        self.pace = pace
        self.held: set[tuple[int, int]] = set()
        """Partition and offset of the records that wait for `open`."""
        self.open = asyncio.Event()
        self.begun: list[tuple[int, int]] = []
        self.done: list[tuple[int, int]] = []
        self.of_key: dict[bytes | None, list[tuple[int, int]]] = defaultdict(list)
        self.working: set[bytes | None] = set()
        self.overlaps = 0
        self.most = 0

    async def __call__(self, record: Record) -> None:
        await self.together([record])

    async def together(self, records: Sequence[Record]) -> None:
        places = [(record.partition, record.offset) for record in records]
        key = records[0].key
        self.overlaps += key in self.working
        self.working.add(key)
        self.most = max(self.most, len(self.working))
        self.begun.extend(places)
        try:
            await asyncio.sleep(self.pace)
            if self.held.intersection(places):
                await self.open.wait()
            self.done.extend(places)
            self.of_key[key].extend(places)
        finally:
            self.working.discard(key)


async def write(world: World, count: int, *, keys: int) -> set[tuple[int, int]]:
    """So many records, those of a key in one partition; their places."""
    offsets = [0, 0]
    places = set()
    for n in range(count):
        key = n % keys
        partition = key % 2
        await world.write(b"%d" % n, key=b"k%d" % key, partition=partition)
        places.add((partition, offsets[partition]))
        offsets[partition] += 1
    return places


async def keys_are_in_order_and_side_by_side(world: World) -> None:
    """Records of one key one at a time and in order, different keys at once, all committed."""
    ledger = Ledger(pace=0.002)
    places = await write(world, 60, keys=6)
    member = await world.member(ledger)
    await until(world, lambda: set(ledger.done) == places)
    await member.stop()
    assert ledger.overlaps == 0
    assert ledger.most > 2, "two partitions alone would give two"
    assert all(run == sorted(run) for run in ledger.of_key.values())
    committed = {p.number: c for p, c in (await world.committed()).items()}
    assert committed == {0: Committed(30), 1: Committed(30)}


async def a_slow_key_delays_no_other(world: World) -> None:
    """Not even of its own partition."""
    ledger = Ledger()
    ledger.held = {(0, 0)}
    places = await write(world, 12, keys=6)
    await world.member(ledger)
    same_key = {(0, 0), (0, 3)}
    await until(world, lambda: set(ledger.done) == places - same_key)
    ledger.open.set()
    await until(world, lambda: set(ledger.done) == places)


async def no_more_of_a_topic_than_its_ceiling_are_worked_on(world: World) -> None:
    """However many slots there are; those that stand aside have their turn."""
    ledger = Ledger()
    ledger.held = {(n % 2, n // 2) for n in range(6)}
    places = await write(world, 40, keys=20)
    await world.member(ledger, ceiling=6, concurrency=20)
    await until(world, lambda: len(ledger.working) == 6)
    await asyncio.sleep(0.1)
    assert len(ledger.working) == 6
    ledger.open.set()
    await until(world, lambda: set(ledger.done) == places)
    assert ledger.most == 6
    assert all(run == sorted(run) for run in ledger.of_key.values())


async def after_a_crash_only_what_was_in_flight_is_repeated(world: World) -> None:
    """Whatever was done beyond the first gap; and nothing is lost."""
    ledger = Ledger()
    ledger.held = {(0, 0), (0, 5)}
    for n in range(20):
        await world.write(b"v", key=b"k%d" % n)
    first = await world.member(ledger)
    await until(world, lambda: len(ledger.done) == 18)
    async with asyncio.timeout(world.patience):
        while len(await claimed(world)) < 18:  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.01)
    await first.crash()
    ledger.open.set()
    second = await world.member(ledger)
    await until(world, lambda: len(set(ledger.done)) == 20)
    await second.stop()
    assert Counter(ledger.done) == Counter((0, n) for n in range(20))


async def a_rebalance_repeats_nothing(world: World) -> None:
    """What is in work ends and is committed before another member gets its partition."""
    ledger = Ledger(pace=0.05)
    places = await write(world, 120, keys=8)
    first = await world.member(ledger)
    await until(world, lambda: len(ledger.done) >= 8)
    second = await world.member(ledger)
    await until(world, lambda: set(ledger.done) == places)
    assert not first.lanes.assignment & second.lanes.assignment
    await first.stop()
    await second.stop()
    assert ledger.overlaps == 0
    assert Counter(ledger.done) == Counter(places)
    assert all(run == sorted(run) for run in ledger.of_key.values())


async def what_was_polled_before_a_revocation_is_not_handled_after_it(world: World) -> None:
    """Whoever has the partition now reads it again."""
    ledger = Ledger()
    await world.write(b"v", key=b"k")
    member = await world.member(ledger)
    await until(world, lambda: len(ledger.done) == 1)
    old = member.lanes.epoch
    other = await world.member(Ledger())
    await other.stop()
    await until(world, lambda: len(member.lanes.assignment) == 2)
    await world.write(b"v", key=b"k")
    await until(world, lambda: len(ledger.done) == 2)
    (partition,) = {p for p in member.lanes.assignment if p.number == 0}
    late = _record(partition, offset=2)
    await member.lanes.submit([late], epoch=old)
    await asyncio.sleep(0.05)
    assert len(ledger.done) == 2, "the late one was taken for the real one"
    await world.write(b"v", key=b"k")
    await until(world, lambda: len(ledger.done) == 3)
    await member.stop()
    assert ledger.done == [(0, 0), (0, 1), (0, 2)]
    assert member.lanes.failure is None


async def a_rejected_commit_is_made_again(world: World) -> None:
    """It is not recorded as done, and ends nothing."""
    ledger = Ledger()
    member = await world.member(ledger)
    reject_commits(member.lanes, 3)
    await world.write(b"v", key=b"k")
    await until(world, lambda: len(ledger.done) == 1)
    async with asyncio.timeout(world.patience):
        while not await world.committed():  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.01)


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


async def what_waits_is_bounded(world: World) -> None:
    """Intake pauses, and goes on when there is room."""
    ledger = Ledger()
    ledger.held = {(0, 0)}
    for _ in range(100):
        await world.write(b"v", key=b"k")
    member = await world.member(ledger, high_water=10, low_water=2)

    def progress() -> tuple[int, bool]:
        told = {p.number: t for p, t in member.lanes.progress().partitions.items()}
        return told[0].waiting, bool(told[0].paused)

    await until(world, lambda: progress()[1])
    await asyncio.sleep(0.1)
    assert progress()[0] <= 10 + 5
    ledger.open.set()
    await until(world, lambda: len(ledger.done) == 100)


async def metadata_of_another_log_is_ignored(world: World) -> None:
    """As after a topic was made anew."""
    ledger = Ledger()
    for n in range(5):
        await world.write(b"v", key=b"k%d" % n)
    text = encode(Completed(base=0, written=1234, runs=((1, 5),)))
    await world.commit(0, Committed(0, text))
    await world.member(ledger)
    await until(world, lambda: len(ledger.done) == 5)


async def what_waits_for_a_key_comes_together(world: World) -> None:
    """In order, up to a number, ended by a record that stands alone."""
    ledger = Ledger()
    ledger.held = {(0, 0)}
    batches: list[list[bytes | None]] = []

    async def handler(records: Sequence[Record]) -> None:
        await ledger.together(records)
        batches.append([record.value for record in records])

    values = [b"first", b"a", b"b", b"/c", b"d", b"e", b"f", b"g"]
    member = await world.member(
        Batch(handler, max_records=3, alone=lambda record: record.value == b"/c")
    )
    await world.write(values[0], key=b"k")
    await until(world, lambda: len(ledger.begun) == 1)
    for value in values[1:]:
        await world.write(value, key=b"k")
    await until(world, lambda: _waiting(member.lanes.progress().partitions) == len(values))
    ledger.open.set()
    await until(world, lambda: len(ledger.done) == len(values))
    assert batches == [[b"first"], [b"a", b"b"], [b"/c"], [b"d", b"e", b"f"], [b"g"]]


async def an_outage_that_looks_like_bad_records_stops_the_consumer(world: World) -> None:
    """Instead of emptying the topic."""

    async def handler(record: Record) -> None:
        raise Permanent("all is broken")

    await write(world, 20, keys=20)
    member = await world.member(handler, dead_letters_in_a_row=5)
    await until(world, lambda: isinstance(member.lanes.failure, TooManyDeadLetters))
    assert len(world.dead_letters.letters) < 5


async def a_tombstone_is_passed_over(world: World) -> None:
    """And committed with the others."""
    ledger = Ledger()
    await world.write(None, key=b"k")
    await world.write(b"v", key=b"k")
    member = await world.member(ledger)
    await until(world, lambda: (0, 1) in ledger.done)
    await member.stop()
    assert ledger.done == [(0, 1)]
    assert (await world.committed())[Partition(world.topic, 0)].offset == 2


async def nothing_is_handled_before_the_restore(world: World) -> None:
    """Of that partition; others begin by themselves."""
    ledger = Ledger()
    restoring = asyncio.Event()

    async def restore(record: Record) -> None:
        if record.partition == 0:
            restoring.set()
            await ledger.open.wait()

    await write(world, 4, keys=2)
    await world.member(ledger, restore=restore)
    await until(world, lambda: restoring.is_set() and len(ledger.done) == 2)
    assert {partition for partition, _ in ledger.begun} == {1}
    ledger.open.set()
    await until(world, lambda: len(ledger.done) == 4)


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


def _waiting(partitions: "object") -> int:
    assert isinstance(partitions, dict)
    return sum(progress.waiting for progress in partitions.values())


def _record(partition: Partition, *, offset: int) -> Record:
    from datetime import UTC, datetime

    return Record(
        topic=partition.topic,
        partition=partition.number,
        offset=offset,
        key=b"k",
        value=b"late",
        headers=(),
        timestamp=datetime.now(UTC),
    )


PROMISES: tuple[Promise, ...] = (
    keys_are_in_order_and_side_by_side,
    a_slow_key_delays_no_other,
    no_more_of_a_topic_than_its_ceiling_are_worked_on,
    after_a_crash_only_what_was_in_flight_is_repeated,
    a_rebalance_repeats_nothing,
    what_was_polled_before_a_revocation_is_not_handled_after_it,
    a_rejected_commit_is_made_again,
    a_record_is_done_only_when_its_dead_letter_is_acknowledged,
    a_retry_keeps_its_place,
    an_outage_costs_nothing,
    what_waits_is_bounded,
    metadata_of_another_log_is_ignored,
    what_waits_for_a_key_comes_together,
    an_outage_that_looks_like_bad_records_stops_the_consumer,
    a_tombstone_is_passed_over,
    nothing_is_handled_before_the_restore,
    a_handler_that_ignores_its_cancellation_stops_the_consumer,
)
