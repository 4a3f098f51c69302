"""The way to Kafka: bounded, and shut while Kafka is away."""

import asyncio
from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY

from recado.ingress.errors import KafkaAway, Overloaded
from recado.ingress.outbox import Outbox
from recado.schemas.encoding import EncodedEvent

RECORDS = (EncodedEvent("recado.messages", b"key", b"{}", ()),)


class Kafka:
    """Acknowledges, refuses, or keeps everybody waiting until told otherwise."""

    def __init__(self) -> None:
        self.up = True
        self.silent = False
        self.release = asyncio.Event()
        self.release.set()
        self.handed_over = 0

    async def write(self, records: Sequence[EncodedEvent]) -> None:
        self.handed_over += len(records)
        await self.release.wait()
        if not self.up:
            raise KafkaAway("away", silent=self.silent)


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


@pytest.fixture
def outbox(kafka: Kafka) -> Outbox:
    outbox = Outbox(kafka.write, max_waiting=5, failures_until_shut=3)
    outbox.open()
    return outbox


async def fail(outbox: Outbox, times: int) -> None:
    for _ in range(times):
        with pytest.raises(KafkaAway):
            await outbox.publish(RECORDS)


async def test_everything_is_refused_until_kafka_was_heard_of(kafka: Kafka) -> None:
    outbox = Outbox(kafka.write, max_waiting=5, failures_until_shut=3)

    await fail(outbox, 1)

    assert kafka.handed_over == 0


async def test_after_some_failures_in_a_row_nothing_more_is_handed_over(
    kafka: Kafka, outbox: Outbox
) -> None:
    kafka.up = False

    await fail(outbox, 1000)

    assert not outbox.is_open
    assert kafka.handed_over == 3


async def test_the_first_failure_shuts_it_when_kafka_acknowledged_nothing_of_anybody(
    kafka: Kafka, outbox: Outbox
) -> None:
    kafka.up = False
    kafka.silent = True

    await fail(outbox, 10)

    assert outbox.is_shut
    assert kafka.handed_over == 1


async def test_who_scrapes_is_told_how_many_wait_now(kafka: Kafka, outbox: Outbox) -> None:
    kafka.release.clear()
    tasks = [asyncio.create_task(outbox.publish(RECORDS)) for _ in range(2)]
    await asyncio.sleep(0)

    assert REGISTRY.get_sample_value("recado_ingress_waiting_requests") == 2
    kafka.release.set()
    await asyncio.gather(*tasks)
    assert REGISTRY.get_sample_value("recado_ingress_waiting_requests") == 0


async def test_a_failure_between_successes_does_not_shut_it(kafka: Kafka, outbox: Outbox) -> None:
    for _ in range(10):
        kafka.up = True
        await outbox.publish(RECORDS)
        kafka.up = False
        await fail(outbox, 2)

    assert outbox.is_open


async def test_trying_again_one_request_goes_first_and_the_others_follow_its_success(
    kafka: Kafka, outbox: Outbox
) -> None:
    outbox.shut()
    outbox.try_again()
    kafka.release.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(outbox.publish(RECORDS))
        await asyncio.sleep(0)
        await fail(outbox, 1)
        kafka.release.set()

    assert outbox.is_open
    assert kafka.handed_over == 1


async def test_trying_again_in_vain_shuts_it_at_the_first_failure(
    kafka: Kafka, outbox: Outbox
) -> None:
    outbox.shut()
    kafka.up = False
    for _ in range(5):
        outbox.try_again()
        await fail(outbox, 10)

    assert kafka.handed_over == 5
    assert not outbox.is_open


async def test_beyond_the_cap_requests_are_refused_at_once(kafka: Kafka, outbox: Outbox) -> None:
    kafka.release.clear()
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(outbox.publish(RECORDS)) for _ in range(5)]
        await asyncio.sleep(0)
        assert outbox.waiting == 5

        with pytest.raises(Overloaded):
            outbox.check()
        with pytest.raises(Overloaded):
            await outbox.publish(RECORDS)
        assert kafka.handed_over == 5
        assert not any(task.done() for task in waiting)
        kafka.release.set()

    assert outbox.waiting == 0
    await outbox.publish(RECORDS)


async def test_a_publish_that_is_cancelled_waits_no_longer(kafka: Kafka, outbox: Outbox) -> None:
    kafka.release.clear()
    task = asyncio.create_task(outbox.publish(RECORDS))
    await asyncio.sleep(0)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert outbox.waiting == 0
    assert outbox.is_open
