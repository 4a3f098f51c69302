"""Each proof has a Recado of its own on Apache Kafka: it is there to be broken."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from support.world import World, stack_in, started

QUICK_FAILOVER = {
    # The defaults are for production; a proof need not wait for them.
    "RECADO_KAFKA_SESSION_TIMEOUT": "PT6S",
    "RECADO_KAFKA_REBALANCE_TIMEOUT": "PT20S",
    "RECADO_DRAIN_TIMEOUT": "PT5S",
    "RECADO_SEND_TIMEOUT": "PT3S",
    "RECADO_CLAIM_SKEW": "PT1S",
    "RECADO_UNCERTAIN_AFTER": "PT5S",
}


@pytest.fixture
async def broken_world(tmp_path: Path, java: Mapping[str, str]) -> AsyncIterator[World]:
    """Everything running, with short time-outs."""
    stack = stack_in(tmp_path, environment=java, settings=QUICK_FAILOVER)
    async with started(stack) as world:
        yield world
