"""What a consumer does besides consuming: it lives and ends with the service. There is no Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from prometheus_client import CollectorRegistry

from recado.devstack.stack.ports import LOOPBACK, free_port
from recado.servicekit.consumer import ConsumerService
from recado.servicekit.consuming import LaneMetrics
from recado.servicekit.settings import ConsumerSettings


class Consumer(ConsumerService):
    """Opens one part and does one thing beside it."""

    def __init__(self, settings: ConsumerSettings) -> None:
        super().__init__(settings, LaneMetrics(), {}, CollectorRegistry())
        self.breaks = asyncio.Event()
        self.ended: list[str] = []

    async def open_parts(self, parts: AsyncExitStack) -> None:
        parts.callback(self.ended.append, "the part")
        self.beside(self._work(), "work")

    async def consume(
        self, parts: AsyncExitStack, until: asyncio.Event, at_once: asyncio.Event
    ) -> None:
        raise AssertionError("there is no Kafka")

    async def _work(self) -> None:
        try:
            await self.breaks.wait()
            raise LookupError
        finally:
            self.ended.append("the work")


@pytest.fixture
async def consumer() -> AsyncIterator[Consumer]:
    settings = ConsumerSettings(
        host=LOOPBACK, port=free_port(), kafka_bootstrap_servers=f"{LOOPBACK}:{free_port()}"
    )
    consumer = Consumer(settings)
    await consumer.start()
    yield consumer
    if "the part" not in consumer.ended:
        await consumer.stop()


async def test_it_ends_with_the_service_before_what_was_opened_before_it(
    consumer: Consumer,
) -> None:
    await asyncio.sleep(0)
    await consumer.stop()
    assert consumer.ended == ["the work", "the part"]


async def test_its_failure_is_the_services(consumer: Consumer) -> None:
    """Else the service would go on without it, and nobody would know."""
    consumer.breaks.set()
    async with asyncio.timeout(20):
        assert isinstance(await consumer.failed(), LookupError)
