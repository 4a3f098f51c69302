"""A ceiling over one topic leaves the others their room, and starves none of its own keys."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from recado_lanes import Lanes, Partition, Record, Transient, Unavailable
from recado_lanes.keylane import KeyLane
from recado_lanes.partition import PartitionLanes
from recado_lanes.record import record_key
from recado_lanes.startable import Ceiling, Startable
from recado_lanes.testing import FakeConsumer, FakeDeadLetters, FakeKafka, poll_until

from .conftest import OPTIONS, Watcher


class Hall:
    """The handler of two topics: letters wait for the door, reports do not."""

    def __init__(self) -> None:
        self.door = asyncio.Event()
        self.errors: dict[bytes, Exception] = {}
        self.inside: dict[str, int] = defaultdict(int)
        self.most: dict[str, int] = defaultdict(int)
        self.done: list[bytes | None] = []

    async def __call__(self, record: Record) -> None:
        self.inside[record.topic] += 1
        self.most[record.topic] = max(self.most[record.topic], self.inside[record.topic])
        try:
            if error := self.errors.pop(record.key or b"", None):
                raise error
            if record.topic == "letters":
                await self.door.wait()
            self.done.append(record.key)
        finally:
            self.inside[record.topic] -= 1


class House:
    """One Kafka of two topics, and members that share the hall."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.kafka = FakeKafka({"letters": 2, "reports": 2})
        self.hall = Hall()

    async def member(self, *, ceiling: int, concurrency: int) -> FakeConsumer:
        consumer = FakeConsumer(self.kafka)
        consumer.lanes = Lanes(
            handlers=dict.fromkeys(self.kafka.topics, self.hall),
            ceilings={"letters": ceiling},
            consumer=consumer,
            dead_letters=FakeDeadLetters(),
            options=replace(OPTIONS, concurrency=concurrency),
            observer=Watcher(),
        )
        await self._stack.enter_async_context(consumer.lanes)
        await asyncio.sleep(0)
        await self.kafka.join(consumer)
        return consumer

    def write(self, topic: str, *keys: bytes) -> None:
        for key in keys:
            self.kafka.append(topic, b"v", key=key, partition=key[-1] % 2)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        house = House(stack)
        stack.callback(house.hall.door.set)  # or draining would wait
        yield house


LETTERS = [b"letter %d" % n for n in range(30)]
REPORTS = [b"report %d" % n for n in range(30)]


async def test_a_topic_that_hangs_leaves_the_others_their_room(house: House) -> None:
    consumer = await house.member(ceiling=6, concurrency=8)
    house.write("letters", *LETTERS)
    await poll_until(lambda: house.hall.inside["letters"] == 6, consumer)
    house.write("reports", *REPORTS)
    await poll_until(lambda: set(house.hall.done) == set(REPORTS), consumer)
    assert house.hall.inside["letters"] == 6
    house.hall.door.set()
    await poll_until(lambda: house.kafka.all_committed, consumer)
    assert set(house.hall.done) == {*LETTERS, *REPORTS}
    assert house.hall.most["letters"] == 6


async def test_a_ceiling_above_the_limit_changes_nothing(house: House) -> None:
    consumer = await house.member(ceiling=100, concurrency=3)
    house.write("letters", *LETTERS)
    await poll_until(lambda: house.hall.inside["letters"] == 3, consumer)
    house.hall.door.set()
    await poll_until(lambda: house.kafka.all_committed, consumer)
    assert house.hall.most["letters"] == 3


async def test_the_longest_backlog_of_those_that_stand_aside_is_next(house: House) -> None:
    consumer = await house.member(ceiling=1, concurrency=8)
    house.write("letters", b"first")
    await poll_until(lambda: house.hall.inside["letters"] == 1, consumer)
    house.write("letters", b"two", b"five", *[b"two"] * 1, *[b"five"] * 4, b"one")
    await poll_until(lambda: consumer.lanes is not None and waiting(consumer.lanes) == 9, consumer)
    house.hall.door.set()
    await poll_until(lambda: house.kafka.all_committed, consumer)
    assert list(dict.fromkeys(house.hall.done)) == [b"first", b"five", b"two", b"one"]
    assert house.hall.most["letters"] == 1


def test_who_stood_aside_comes_up_for_one_that_was_next_and_is_removed() -> None:
    """As when its partition is revoked before it was started: else nobody would call the others."""
    startable = Startable()
    partition = PartitionLanes(
        Partition("letters", 0),
        handler=Hall(),
        key_of=record_key,
        restore=None,
        options=OPTIONS,
        observer=Watcher(),
        arrived=lambda lane, record: None,
        ceiling=Ceiling(1),
    )
    working, following, aside = (KeyLane(name, partition, Hall()) for name in "abc")
    for lane in (working, following, aside):
        startable.add(lane)
    assert startable.pop() is working
    startable.took(working)
    assert startable.pop() is None, "the ceiling is reached"
    startable.left(working)
    startable.remove(following)
    assert startable.pop() is aside


async def test_a_key_that_waits_to_be_tried_again_is_not_counted(house: House) -> None:
    house.hall.errors = {key: Transient("busy") for key in LETTERS}
    house.hall.door.set()
    consumer = await house.member(ceiling=2, concurrency=8)
    house.write("letters", *LETTERS)
    await poll_until(lambda: house.kafka.all_committed, consumer)
    assert set(house.hall.done) == set(LETTERS)
    assert house.hall.most["letters"] <= 2


async def test_an_outage_at_the_ceiling_ends_like_any_other(house: House) -> None:
    house.hall.errors = {key: Unavailable("down") for key in LETTERS}
    house.hall.door.set()
    consumer = await house.member(ceiling=2, concurrency=8)
    house.write("letters", *LETTERS)
    house.write("reports", *REPORTS)
    await poll_until(lambda: house.kafka.all_committed, consumer)
    assert set(house.hall.done) == {*LETTERS, *REPORTS}


@pytest.mark.parametrize(
    ("ceilings", "what"),
    [({"letters": 0}, "at least 1"), ({"nothing": 1}, "without a handler")],
)
def test_a_ceiling_that_makes_no_sense_is_refused(ceilings: dict[str, int], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        Lanes(
            handlers={"letters": Hall()},
            ceilings=ceilings,
            consumer=FakeConsumer(FakeKafka({"letters": 1})),
            dead_letters=FakeDeadLetters(),
            options=OPTIONS,
        )


def waiting(lanes: Lanes) -> int:
    """How many records of ours are not done."""
    return sum(one.waiting for one in lanes.progress().partitions.values())
