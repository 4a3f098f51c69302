"""The Jobs' commands, run as the manifests give them, against MongoDB's stand-in and LanceDB."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from recado.devstack.stack.mongodb import MongoDb
from recado.dispatcher.__main__ import main as dispatcher_main
from recado.dispatcher.preparing import INDEXES
from recado.indexer.__main__ import main as indexer_main
from support.manifests import EXAMPLE, Manifests, built_text, container, listing


def command_of(job: str) -> list[str]:
    """A Job's command, with this Python."""
    manifest = Manifests(built_text(EXAMPLE)).of("Job")[job]
    python, *rest = map(str, listing(container(manifest), "command"))
    assert python == "python"
    return [sys.executable, *rest]


def run(command: list[str]) -> tuple[int, str, str]:
    """Exit status, output, errors."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def database(mongodb: MongoDb) -> Iterator[Database[dict[str, object]]]:
    """One of its own, gone afterwards."""
    client: MongoClient[dict[str, object]] = MongoClient(mongodb.url)
    named = f"prepare-{uuid4().hex}"
    yield client[named]
    client.drop_database(named)
    client.close()


def test_the_indexes_are_made_once_and_found_again(
    mongodb: MongoDb,
    database: Database[dict[str, object]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit 0 both times, and all that the dispatcher wants is there."""
    monkeypatch.setenv("RECADO_MONGODB_URL", mongodb.url)
    monkeypatch.setenv("RECADO_MONGODB_DATABASE", database.name)
    command = command_of("recado-mongodb-indexes")
    status, written, errors = run(command)
    assert status == 0, errors
    made = {one.value: database[one.value].index_information() for one in INDEXES}
    for collection, wanted in INDEXES.items():
        assert {one.document["name"] for one in wanted} <= set(made[collection.value])
    assert dispatcher_main(command[3:]) == 0  # without a process of its own: it takes long to start
    assert capsys.readouterr().out == written
    assert {one.value: database[one.value].index_information() for one in INDEXES} == made


def test_an_index_that_does_not_fit_is_told_in_one_sentence(
    mongodb: MongoDb,
    database: Database[dict[str, object]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit 1, without the address."""
    database["webhooks"].create_index("expires_at", expireAfterSeconds=60)
    monkeypatch.setenv("RECADO_MONGODB_URL", mongodb.url)
    monkeypatch.setenv("RECADO_MONGODB_DATABASE", database.name)
    assert dispatcher_main(["prepare"]) == 1
    written, errors = capsys.readouterr()
    assert written == ""
    assert errors.startswith("MongoDB refuses: ")
    assert errors.count("\n") == 1
    assert mongodb.url not in errors


def test_the_collection_is_made_once_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0 both times, and the second run changes no file."""
    folder = tmp_path / "knowledge"
    monkeypatch.setenv("RECADO_KNOWLEDGE", "lancedb")
    monkeypatch.setenv("RECADO_EMBEDDER", "keyless")
    monkeypatch.setenv("RECADO_LANCEDB_PATH", str(folder))
    command = command_of("recado-knowledge-collection")
    status, written, errors = run(command)
    assert status == 0, errors
    made = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert made
    assert indexer_main(command[3:]) == 0
    assert capsys.readouterr().out == written
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == made
