"""`recado index --watch` as a process: it follows, it names what it can't take, it ends well."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from recado.cli.known import known_documents
from recado.devstack.stack.kafka import RealKafka
from recado.schemas import ids
from recado.schemas.topics import DOCUMENTS
from recado.servicekit.settings import KafkaSettings
from recado.servicekit.topics import apply
from support.command import RECADO

PATIENCE = 30


class Watching:
    """The running command; `line` is the next round that found something."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> dict[str, list[str]]:
        """What the round did, without what is empty."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            said = json.loads(await self.process.stdout.readline())
        said["refused"] = [one["source"] for one in said["refused"]]
        kept = ("submitted", "withdrawn", "refused")
        return {name: said[name] for name in kept if said[name]}

    async def error(self) -> str:
        """The next line on stderr."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            return (await self.process.stderr.readline()).decode()

    async def end(self, number: signal.Signals) -> int:
        """Send the signal; the exit status."""
        self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def watching(bootstrap: str, folder: Path) -> AsyncIterator[Watching]:
    """The command on a folder; nobody indexes, so it does not wait for that."""
    process = await asyncio.create_subprocess_exec(
        RECADO,
        *("index", str(folder), "--watch", "--json", "--no-wait"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "RECADO_KAFKA_BOOTSTRAP_SERVERS": bootstrap},
        cwd=folder.parent,
    )
    try:
        yield Watching(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A collection with a page and a file that can't be read."""
    folder = tmp_path / f"ayuda-{tmp_path.name}"
    folder.mkdir()
    (folder / "wifi.md").write_text("# Wifi\n\nAcércate al router.\n")
    (folder / "roto.md").write_bytes(b"\x00\x01\x02" * 20)
    return folder


async def test_it_follows_the_files_and_goes_on_after_one_that_it_refuses(
    kafka: RealKafka, folder: Path, tmp_path: Path
) -> None:
    """New, changed, renamed, deleted, exchanged by an editor, behind a link, mended."""
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap)
    await apply(settings, [DOCUMENTS])
    target = tmp_path / "aparte" / "enlazada.md"
    target.parent.mkdir()
    target.write_text("# Aparte\n\nUno.\n")
    (folder / "enlace.md").symlink_to(target)
    async with watching(kafka.bootstrap, folder) as watch:
        first = {"submitted": ["enlace.md", "wifi.md"], "refused": ["roto.md"]}
        assert await watch.line() == first
        (folder / ".wifi.md.swp").write_text("nada")
        (folder / "wifi.md~").write_text("nada")
        part = folder / ".wifi.md.part"
        part.write_text("# Wifi\n\nMejor por cable.\n")
        part.replace(folder / "wifi.md")
        assert await watch.line() == {"submitted": ["wifi.md"]}
        target.write_text("# Aparte\n\nDos.\n")
        assert await watch.line() == {"submitted": ["enlace.md"]}
        (folder / "wifi.md").rename(folder / "red.md")
        assert await watch.line() == {"submitted": ["red.md"], "withdrawn": ["wifi.md"]}
        (folder / "roto.md").write_text("# Entero\n\nYa está.\n")
        assert await watch.line() == {"submitted": ["roto.md"]}
        (folder / "red.md").unlink()
        assert await watch.line() == {"withdrawn": ["red.md"]}
        assert await watch.end(signal.SIGTERM) == 0
    known = (await known_documents(settings)).documents
    left = [one.source for one in known.values() if one.collection == folder.name]
    assert sorted(left) == ["enlace.md", "roto.md"]
    assert ids.document_id(folder.name, "roto.md") in known


async def test_without_kafka_it_says_so_and_tries_again_until_it_is_told_to_end(
    folder: Path,
) -> None:
    async with watching("127.0.0.1:1", folder) as watch:
        for _ in range(2):
            said = await watch.error()
            assert "Kafka can't be reached" in said
            assert "Trying again" in said
        assert await watch.end(signal.SIGINT) == 0
