"""Ingress on the shared Kafka, ready."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recado.devstack.stack.kafka import ApacheKafka, ExternalKafka
from recado.servicekit import topics
from recado.servicekit.settings import KafkaSettings
from support.ingress import Ingress, run_ingress


@pytest.fixture
async def ingress(kafka: ApacheKafka | ExternalKafka, tmp_path: Path) -> AsyncIterator[Ingress]:
    """A process of its own for each test, so that limits and metrics start anew."""
    await topics.apply(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap))
    async with run_ingress(kafka.bootstrap, tmp_path) as running:
        await running.until_ready()
        yield running
