"""The stack starts in order, shows what runs and what died, and leaves nothing behind.

Its services are fakes: a package of the service's name, found before the real one.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import httpx
import pytest

from recado.devstack.stack.errors import PortTaken, StartFailed
from recado.devstack.stack.kafka import RealKafka
from recado.devstack.stack.mongodb import MongoDb
from recado.devstack.stack.part import PartState, PartStatus
from recado.devstack.stack.ports import Ports, is_free
from recado.devstack.stack.stack import Stack, StackConfig
from recado.devstack.stack.standins import StandIns
from support.topics import Topics

TESTS = Path(__file__).resolve().parents[2]


@pytest.fixture
def config(tmp_path: Path, kafka: RealKafka, mongodb: MongoDb) -> StackConfig:
    """Fake services on the session's Kafka and MongoDB, with stand-ins of its own."""
    for name in ("ingress", "rag"):
        package = tmp_path / "fakes" / "recado" / name
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text("from support.fake_service import main\n\nmain()\n")
    environment = {
        **os.environ,
        "RECADO_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "RECADO_MONGODB_URL": mongodb.url,
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "fakes"), str(TESTS)]),
        "FAKE_SERVICE": "ready",
    }
    return StackConfig(
        state_directory=tmp_path / "state",
        ports=Ports.free(),
        services=("ingress", "rag"),
        environment=environment,
    )


def with_settings(config: StackConfig, settings: Mapping[str, str]) -> StackConfig:
    return StackConfig(
        state_directory=config.state_directory,
        ports=config.ports,
        services=config.services,
        environment=config.environment,
        settings=settings,
    )


def states(parts: Iterable[PartStatus]) -> dict[str, str]:
    return {part.name: part.state.value for part in parts}


async def test_all_parts_are_healthy_inside_and_none_runs_afterwards(config: StackConfig) -> None:
    async with Stack(config) as stack:
        assert set(states(stack.parts()).values()) == {"healthy"}
        assert set(states(await stack.look()).values()) == {"healthy"}
    assert set(states(stack.parts()).values()) == {"stopped"}
    assert is_free(config.ports.standins)
    assert is_free(config.ports.ingress)


async def test_topics_are_prepared_before_any_service_starts(config: StackConfig) -> None:
    seen: list[tuple[str, str, str]] = []

    async def prepare(bootstrap: str) -> None:
        now = states(stack.parts())
        seen.append((bootstrap, now["kafka"], now["ingress"]))
        topics = Topics(bootstrap)
        await topics("prepared")
        await topics.delete_all()

    stack = Stack(
        StackConfig(
            state_directory=config.state_directory,
            ports=config.ports,
            services=config.services,
            environment=config.environment,
            prepare_topics=prepare,
        )
    )
    async with stack:
        assert seen == [(stack.kafka.bootstrap, "healthy", "waiting")]


async def test_a_service_that_dies_is_shown_dead_with_its_last_lines_and_can_come_back(
    config: StackConfig,
) -> None:
    async with Stack(config) as stack:
        rag = stack.service("rag")
        await rag.kill9()
        (status,) = [part for part in stack.parts() if part.name == "rag"]
        assert status.state is PartState.DEAD
        assert status.last_lines == (f"kafka at {stack.kafka.bootstrap}",)
        await rag.start()
        assert states(await stack.look())["rag"] == "healthy"


async def test_a_service_that_can_not_start_fails_the_start_and_nothing_is_left(
    config: StackConfig,
) -> None:
    stack = Stack(with_settings(config, {"FAKE_SERVICE": "broken"}))
    with pytest.raises(StartFailed, match="RECADO_SOMETHING is not set"):
        await stack.start()
    now = states(stack.parts())
    assert "dead" in (now["ingress"], now["rag"])
    assert now["stand-ins"] == "stopped"
    assert is_free(config.ports.standins)


async def test_a_taken_port_is_told_before_anything_is_started(config: StackConfig) -> None:
    async with Stack(config):
        second = Stack(config)
        with pytest.raises(PortTaken):
            await second.start()
        assert states(second.parts())["kafka"] == "waiting"


async def test_the_stand_ins_of_the_session_answer(standins: StandIns) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{standins.url}/control/health")
    assert response.status_code == 200
