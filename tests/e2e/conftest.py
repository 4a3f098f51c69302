"""One whole Recado for all end-to-end tests, keyless: the answers are the extractive ones."""

from collections.abc import Iterator, Mapping

import pytest

from support.running import run
from support.world import World, index_sample, stack_in, world_of


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, java: Mapping[str, str]) -> Iterator[World]:
    """Everything running, the sample indexed. Tests share it and use customers of their own."""
    stack = stack_in(tmp_path_factory.mktemp("world"), environment=java)
    run(stack.start())
    try:
        world = world_of(stack)
        run(index_sample(world))
        yield world
    finally:
        run(stack.stop())
