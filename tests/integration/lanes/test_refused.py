"""Options and brokers with which records could be lost are refused before the start."""

from datetime import timedelta

import pytest
from faststream.kafka import KafkaBroker

from .conftest import Group, Ledger


async def test_draining_that_could_outlast_the_rebalance_is_refused(group: Group) -> None:
    with pytest.raises(ValueError, match="rebalance time-out"):
        await group.member(Ledger(), drain_budget=timedelta(seconds=60))


async def test_a_broker_that_would_create_topics_is_refused(group: Group) -> None:
    def prepare(broker: KafkaBroker) -> None:
        broker.config.broker_config.allow_auto_create_topics = True

    with pytest.raises(ValueError, match="allow_auto_create_topics"):
        await group.member(Ledger(), prepare=prepare)
