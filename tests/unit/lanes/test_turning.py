"""A poll loop that hangs is told from one that waits for its group."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer
from faststream.kafka import KafkaBroker

from recado_lanes import LaneOptions, Lanes, Record
from recado_lanes.faststream import attach
from recado_lanes.kafka import GroupOptions, waits_for_group
from recado_lanes.polling import LanesSubscriber
from recado_lanes.testing import FakeDeadLetters
from recado_lanes.turning import Turning

MINUTE = timedelta(minutes=1)


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by.total_seconds()


class Group:
    """What is asked of aiokafka's subscription."""

    reassignment_in_progress = False


class Hanging:
    """A consumer whose poll returns when it is let go."""

    def __init__(self) -> None:
        self._subscription = Group()
        self.polled = asyncio.Event()
        self.let_go = asyncio.Event()

    @property
    def group(self) -> Group:
        return self._subscription

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[object, list[object]]:
        assert timeout_ms
        assert max_records
        self.polled.set()
        await self.let_go.wait()
        return {}


async def _ignore(record: Record) -> None:
    del record


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def lanes(clock: Clock) -> tuple[Lanes, LanesSubscriber]:
    """Lanes under a broker that nobody starts."""
    broker = KafkaBroker("127.0.0.1:1", allow_auto_create_topics=False, logger=None)
    attached = attach(
        broker,
        handlers={"letters": _ignore},
        dead_letters=FakeDeadLetters(),
        group=GroupOptions(group_id="tests"),
        options=LaneOptions(service="tests"),
    )
    attached.turning = Turning(clock)
    (subscriber,) = broker.subscribers
    assert isinstance(subscriber, LanesSubscriber)
    return attached, subscriber


async def test_a_poll_that_hangs_is_seen(
    lanes: tuple[Lanes, LanesSubscriber], clock: Clock
) -> None:
    """And one that returns, however late, ends it."""
    attached, subscriber = lanes
    assert attached.turning.still == timedelta(0)
    consumer = Hanging()
    poll = asyncio.create_task(subscriber.get_msg(consumer))
    await consumer.polled.wait()
    clock.move(MINUTE)
    assert attached.turning.still == MINUTE
    consumer.let_go.set()
    await poll
    assert attached.turning.still == timedelta(0)
    assert attached.turning.last is not None
    assert datetime.now(UTC) - attached.turning.last < MINUTE


async def test_waiting_for_the_group_is_no_standstill(
    lanes: tuple[Lanes, LanesSubscriber], clock: Clock
) -> None:
    """A poll in a rebalance lasts as long as Kafka is away."""
    attached, subscriber = lanes
    consumer = Hanging()
    consumer.group.reassignment_in_progress = True
    poll = asyncio.create_task(subscriber.get_msg(consumer))
    await consumer.polled.wait()
    clock.move(60 * MINUTE)
    assert attached.turning.still == timedelta(0)
    consumer.let_go.set()
    await poll


def test_a_loop_that_does_not_come_back_to_poll_is_seen(clock: Clock) -> None:
    """Between two polls there is nothing to wait for: not even a rebalance counts."""
    turning = Turning(clock)
    with turning.polling(lambda: True):
        pass
    clock.move(MINUTE)
    assert turning.still == MINUTE


def test_giving_partitions_back_without_end_is_seen(clock: Clock) -> None:
    """The group waits for us then, and the poll that waits for the group says nothing."""
    turning = Turning(clock)
    with turning.polling(lambda: True):
        with turning.handing_over():
            clock.move(MINUTE)
            assert turning.still == MINUTE
        assert turning.still == timedelta(0)


def test_the_time_in_the_group_is_forgotten_when_partitions_come(clock: Clock) -> None:
    """Else the poll that returns just afterwards would look as old as the whole wait."""
    turning = Turning(clock)
    waits = True
    with turning.polling(lambda: waits):
        clock.move(60 * MINUTE)
        with turning.handing_over():
            waits = False
        assert turning.still == timedelta(0)


async def test_aiokafka_still_says_whether_it_waits_for_the_group() -> None:
    """It is not public: without it an outage of Kafka would look like a hanging poll."""
    consumer = AIOKafkaConsumer("letters", group_id="tests")
    assert waits_for_group(consumer) is True
