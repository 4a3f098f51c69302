"""A consumer whose poll hangs says so on `/healthz`; one that waits for Kafka is alive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import httpx
import pytest
from prometheus_client import CollectorRegistry

from recado.devstack.stack.ports import LOOPBACK, free_port
from recado.servicekit.consumer import ConsumerService
from recado.servicekit.consuming import LaneMetrics
from recado.servicekit.settings import ConsumerSettings


class Halted:
    """A poll loop that has stood still for as long as a test says."""

    still = timedelta(0)
    last: datetime | None = None


class HaltedLanes:
    """Lanes with that loop."""

    topics = ("recado.messages",)

    def __init__(self) -> None:
        self.turning = Halted()

    def backlog(self, topic: str) -> list[int]:
        assert topic in self.topics
        return []


class Consumer(ConsumerService):
    """Nothing but what all consumers have."""

    async def open_parts(self, parts: AsyncExitStack) -> None:
        del parts

    async def consume(
        self, parts: AsyncExitStack, until: asyncio.Event, at_once: asyncio.Event
    ) -> None:
        raise AssertionError("there is no Kafka")


@pytest.fixture
def lanes() -> HaltedLanes:
    return HaltedLanes()


@pytest.fixture
async def health(lanes: HaltedLanes) -> AsyncIterator[str]:
    """The address of a consumer's `/healthz`; there is no Kafka for it."""
    metrics = LaneMetrics()
    metrics.watch(lanes)
    settings = ConsumerSettings(
        host=LOOPBACK,
        port=free_port(),
        kafka_bootstrap_servers=f"{LOOPBACK}:{free_port()}",
        liveness_timeout=timedelta(seconds=90),
    )
    consumer = Consumer(settings, metrics, {}, CollectorRegistry())
    await consumer.start()
    yield f"http://{LOOPBACK}:{settings.port}/healthz"
    await consumer.stop()


async def test_a_consumer_is_alive_until_its_poll_has_hung_for_the_time_set(
    health: str, lanes: HaltedLanes
) -> None:
    """Without Kafka it waits and is alive; beyond the setting it names what hangs."""
    async with httpx.AsyncClient() as http:
        assert (await http.get(health)).status_code == 200
        lanes.turning.still = timedelta(seconds=89)
        assert (await http.get(health)).status_code == 200
        lanes.turning.still = timedelta(seconds=91)
        stuck = await http.get(health)
    assert stuck.status_code == 503
    assert stuck.json() == {"status": "stuck", "problem": "no poll for 91 s"}
