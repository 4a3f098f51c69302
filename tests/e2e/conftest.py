"""One whole Recado for all end-to-end tests, keyless: the answers are the extractive ones."""

from collections.abc import Iterator

import pytest

from recado.devstack.stack.kafka_jars import INSTALL, java_and_maven_installed
from support.require import require
from support.running import run
from support.world import World, index_sample, stack_in, world_of


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Everything running, the sample indexed. Tests share it and use customers of their own."""
    require(java_and_maven_installed(), "Apache Kafka", INSTALL)
    stack = stack_in(tmp_path_factory.mktemp("world"))
    run(stack.start())
    try:
        world = world_of(stack)
        run(index_sample(world))
        yield world
    finally:
        run(stack.stop())
