"""Ingress on the shared Kafka, ready."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_ingress(
    kafka: ApacheKafka | ExternalKafka, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ingress]:
    """One process for all tests of a file, which records more rejections than by default."""
    await topics.apply(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap))
    folder = tmp_path_factory.mktemp("ingress")
    async with run_ingress(kafka.bootstrap, folder, rejections_burst="1000") as running:
        await running.until_ready()
        yield running
