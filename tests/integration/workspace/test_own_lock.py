"""Each service starts in an environment made from its own lock alone.

A lock is what the service's image installs: rag and the indexer have Weaviate's client and both
embedders, and not LanceDB, which is for the demo and for tests.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from recado.devstack.stack.integrations import integrations, write_private
from recado.devstack.stack.kafka import RealKafka
from recado.devstack.stack.mongodb import MongoDb
from recado.devstack.stack.ports import Ports, free_port
from recado.devstack.stack.probes import http_ok
from recado.devstack.stack.process import ChildProcess
from recado.devstack.stack.weaviate import Weaviate, weaviate_settings
from recado.servicekit.settings import KafkaSettings
from recado.servicekit.topics import apply
from support.running import run
from support.weaviate_collections import own_collections

ROOT = Path(__file__).parents[3]
SERVICES = ("ingress", "rag", "dispatcher", "indexer")
WITH_KNOWLEDGE = ("rag", "indexer")
MUST_NOT_HAVE = {
    "ingress": ("google.genai", "motor", "lancedb"),
    "rag": ("fastapi", "lancedb"),
    "dispatcher": ("google.genai", "lancedb", "fastapi"),
    "indexer": ("motor", "fastapi", "lancedb"),
}


def _uv(*arguments: str | Path, environment: Path | None = None) -> None:
    # Where it was missing, `make install` has put it into .cache.
    subprocess.run(
        [shutil.which("uv") or ROOT / ".cache/uv/bin/uv", *arguments],
        check=True,
        cwd=ROOT,
        env={**os.environ, **({"VIRTUAL_ENV": str(environment)} if environment else {})},
    )


def _members_of(service: str) -> Iterator[str]:
    """The service's own folder and those of the libraries that it stands on."""
    import tomllib

    todo, seen = [f"services/{service}"], set[str]()
    folders = {
        tomllib.loads(manifest.read_text())["project"]["name"]: manifest.parent
        for manifest in ROOT.glob("*/pyproject.toml")
    } | {
        tomllib.loads(manifest.read_text())["project"]["name"]: manifest.parent
        for manifest in ROOT.glob("*/*/pyproject.toml")
    }
    while todo:
        folder = todo.pop()
        if folder in seen:
            continue
        seen.add(folder)
        yield folder
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        for requirement in project["dependencies"]:
            name = requirement.split("[")[0]
            if name in folders:
                todo.append(str(folders[name].relative_to(ROOT)))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The wheel of a member's folder; each is built once."""
    directory = tmp_path_factory.mktemp("wheels")

    @cache
    def wheel(member: str) -> Path:
        target = directory / member.replace("/", "-")
        _uv(
            *("build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable),
            *("--out-dir", target, member),
        )
        (built,) = target.glob("*.whl")
        return built

    return wheel


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_from_its_own_lock(
    service: str,
    tmp_path: Path,
    wheels: Callable[[str], Path],
    kafka: RealKafka,
    mongodb: MongoDb,
    request: pytest.FixtureRequest,
) -> None:
    """Installed with every hash checked, it becomes ready; what it must not need is not there."""
    environment = tmp_path / "venv"
    _uv("venv", "--quiet", "--python", sys.executable, environment)
    lock = ROOT / "requirements" / f"{service}.txt"
    _uv("pip", "install", "--quiet", "--require-hashes", "-r", lock, environment=environment)
    members = [wheels(member) for member in _members_of(service)]
    _uv("pip", "install", "--quiet", "--no-deps", *members, environment=environment)
    python = environment / "bin" / "python"
    for module in MUST_NOT_HAVE[service]:
        absent = subprocess.run([python, "-c", f"import {module}"], capture_output=True)
        assert absent.returncode != 0, f"{service} installs {module}"
    settings = {
        "RECADO_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "RECADO_MONGODB_URL": mongodb.url,
        "RECADO_MONGODB_DATABASE": "own_lock",
    }
    if service not in WITH_KNOWLEDGE:
        run(_starts(service, python, tmp_path, settings))
        return
    weaviate: Weaviate = request.getfixturevalue("weaviate")
    run(_starts_with_weaviate(service, python, tmp_path, settings, weaviate))


async def _starts_with_weaviate(
    service: str, python: Path, directory: Path, settings: dict[str, str], weaviate: Weaviate
) -> None:
    key = weaviate.writer_key if service == "indexer" else weaviate.reader_key
    async with own_collections(weaviate) as prefix:
        knowledge = {
            "RECADO_KNOWLEDGE": "weaviate",
            "RECADO_WEAVIATE_COLLECTION": prefix,
            **weaviate_settings(weaviate, key),
        }
        await _starts(service, python, directory, {**settings, **knowledge})


async def _starts(service: str, python: Path, directory: Path, settings: dict[str, str]) -> None:
    bootstrap = settings["RECADO_KAFKA_BOOTSTRAP_SERVERS"]
    await apply(KafkaSettings(kafka_bootstrap_servers=bootstrap))
    integrations_file = directory / "integrations.yaml"
    write_private(integrations_file, integrations(Ports()))
    port = free_port()
    process = ChildProcess(
        service,
        (str(python), "-m", f"recado.{service}"),
        log=directory / f"{service}.log",
        environment={
            "PATH": os.environ["PATH"],
            "RECADO_PORT": str(port),
            "RECADO_INTEGRATIONS_FILE": str(integrations_file),
            **settings,
        },
    )
    try:
        await process.start(lambda: http_ok(f"http://127.0.0.1:{port}/readyz"))
    finally:
        await process.stop()
