"""Each proof has a Recado of its own on Apache Kafka: it is there to be broken."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recado.devstack.stack.kafka_jars import INSTALL, java_and_maven_installed
from support.require import require
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
async def broken_world(tmp_path: Path) -> AsyncIterator[World]:
    """Everything running, with short time-outs."""
    require(java_and_maven_installed(), "Apache Kafka", INSTALL)
    async with started(stack_in(tmp_path, settings=QUICK_FAILOVER)) as world:
        yield world
