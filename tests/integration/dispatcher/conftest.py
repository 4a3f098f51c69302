"""The dispatcher as a process between real Kafka, MongoDB's stand-in and the platforms'."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from recado.devstack.stack.kafka import ApacheKafka
from recado.devstack.stack.standins import StandIns
from support.dispatcher_bench import Bench


@pytest.fixture
async def bench(own_kafka: ApacheKafka, standins: StandIns, tmp_path: Path) -> AsyncIterator[Bench]:
    """Kafka with the contract's topics, the stand-ins, and a reader of deliveries."""
    ready = Bench(own_kafka.bootstrap, standins.url, tmp_path)
    try:
        await ready.start()
        yield ready
    finally:
        await ready.stop()


@pytest.fixture
def unique() -> Callable[[], int]:
    """A number that no other test's customer has."""
    return lambda: 10**9 + uuid4().int % 10**9
