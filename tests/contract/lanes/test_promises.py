"""Every promise holds in memory and on Apache Kafka: so tests on the fake mean something."""

import pytest

from .ledger import Promise
from .promises import PROMISES
from .world import World

each_promise = pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)


@each_promise
async def test_it_holds_in_memory(promise: Promise, fake_world: World) -> None:
    await promise(fake_world)


@each_promise
async def test_it_holds_on_apache_kafka(promise: Promise, kafka_world: World) -> None:
    await promise(kafka_world)
