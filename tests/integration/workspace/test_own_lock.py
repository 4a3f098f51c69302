"""Each service starts in an environment made from its own lock alone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recado.devstack.stack.integrations import integrations, write_private
from recado.devstack.stack.kafka import RealKafka
from recado.devstack.stack.mongodb import MongoDb
from recado.devstack.stack.ports import Ports, free_port
from recado.devstack.stack.probes import http_ok
from recado.devstack.stack.process import ChildProcess
from recado.servicekit.settings import KafkaSettings
from recado.servicekit.topics import apply
from support.running import run

ROOT = Path(__file__).parents[3]
SERVICES = ("ingress", "rag", "dispatcher", "indexer")
MUST_NOT_HAVE = {
    "ingress": ("google.genai", "motor", "lancedb"),
    "rag": ("fastapi",),
    "dispatcher": ("google.genai", "lancedb", "fastapi"),
    "indexer": ("google.genai", "motor", "fastapi"),
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


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_from_its_own_lock(
    service: str,
    tmp_path: Path,
    kafka: RealKafka,
    mongodb: MongoDb,
) -> None:
    """Installed with every hash checked, it becomes ready; what it must not need is not there."""
    environment = tmp_path / "venv"
    _uv("venv", "--quiet", "--python", sys.executable, environment)
    lock = ROOT / "requirements" / f"{service}.txt"
    _uv("pip", "install", "--quiet", "--require-hashes", "-r", lock, environment=environment)
    wheels = tmp_path / "wheels"
    for member in _members_of(service):
        _uv(
            "build",
            "--quiet",
            "--wheel",
            "--no-build-isolation",
            "--python",
            sys.executable,
            "--out-dir",
            wheels,
            member,
        )
    _uv(
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        *sorted(wheels.glob("*.whl")),
        environment=environment,
    )
    python = environment / "bin" / "python"
    for module in MUST_NOT_HAVE[service]:
        absent = subprocess.run([python, "-c", f"import {module}"], capture_output=True)
        assert absent.returncode != 0, f"{service} installs {module}"
    run(_starts(service, python, tmp_path, kafka.bootstrap, mongodb.url))


async def _starts(
    service: str, python: Path, directory: Path, bootstrap: str, mongodb_url: str
) -> None:
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
            "RECADO_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "RECADO_MONGODB_URL": mongodb_url,
            "RECADO_MONGODB_DATABASE": "own_lock",
            "RECADO_INTEGRATIONS_FILE": str(integrations_file),
            "RECADO_LANCEDB_PATH": str(directory / "lancedb"),
        },
    )
    try:
        await process.start(lambda: http_ok(f"http://127.0.0.1:{port}/readyz"))
    finally:
        await process.stop()
