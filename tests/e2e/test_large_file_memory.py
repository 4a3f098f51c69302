"""A large file goes through the command, Kafka and the indexer in bounded memory."""

import asyncio
import json
import os
import random
import sys
from pathlib import Path

import pytest

from recado.devstack.stack.kafka import ApacheKafka
from recado.devstack.stack.ports import free_port
from recado.devstack.stack.weaviate import WeaviateServer
from recado.schemas.topics import DOCUMENTS, dead_letters
from recado.servicekit.settings import KafkaSettings
from recado.servicekit.topics import apply
from support.command import RECADO

FILE_BYTES = {"lancedb": 100_000_000, "weaviate": 20_000_000}
"""Weaviate makes its index as it goes: 100 MB took nine minutes, and the indexer 152 MiB."""
PEAKS = {
    "lancedb": {"recado index": 100, "indexer": 800},
    "weaviate": {"recado index": 100, "indexer": 150},
}
"""MiB that the large file may add to what a small one takes. LanceDB's own work is done in the
indexer, and 160,000 chunks are 320 MB of vectors as bytes, 1.3 GB as lists."""


def peak(pid: int) -> int:
    """The most memory that a process has had so far, in MiB; 0 for one that is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return next((int(one.split()[1]) // 1024 for one in lines if one.startswith("VmHWM")), 0)


def write_large(file: Path, size: int) -> None:
    """Paragraphs of two sentences, none like another."""
    chosen = random.Random(1)
    words = [f"palabra{n}" for n in range(3000)]
    with file.open("w") as opened:
        while opened.tell() < size:
            for _ in range(1000):
                first, second = chosen.choices(words, k=12), chosen.choices(words, k=40)
                opened.write(f"La {' '.join(first)}. El {' '.join(second)}.\n\n")


async def index(folder: Path, environment: dict[str, str]) -> tuple[int, int]:
    """Run the command; how many documents were indexed, and its peak in MiB."""
    process = await asyncio.create_subprocess_exec(
        *(RECADO, "index", str(folder), "--json"),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    ending = asyncio.create_task(process.communicate())
    most = 0
    async with asyncio.timeout(900):
        while not ending.done():
            most = max(most, peak(process.pid))
            await asyncio.wait([ending], timeout=0.1)
    said, _ = ending.result()
    return len(json.loads(said)["submitted"]), most


@pytest.fixture(params=["lancedb", "weaviate"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """Its name, and what the indexer must be told of it."""
    name: str = request.param
    if name == "lancedb":
        return name, {"RECADO_LANCEDB_PATH": str(tmp_path / "lancedb")}
    server: WeaviateServer = request.getfixturevalue("own_weaviate")
    return name, {
        "RECADO_KNOWLEDGE": "weaviate",
        "RECADO_WEAVIATE_URL": server.url,
        "RECADO_WEAVIATE_GRPC_URL": server.grpc_url,
        "RECADO_WEAVIATE_API_KEY": server.writer_key or "",
    }


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
async def test_memory_does_not_grow_with_the_file(
    own_kafka: ApacheKafka, store: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    """What a small file takes is the measure for the large one."""
    name, told = store
    settings = KafkaSettings(kafka_bootstrap_servers=own_kafka.bootstrap)
    await apply(settings, [DOCUMENTS, dead_letters("indexer")])
    environment = {
        **os.environ,
        "MALLOC_ARENA_MAX": "2",
        "RECADO_KAFKA_BOOTSTRAP_SERVERS": own_kafka.bootstrap,
        **told,
        "RECADO_PORT": str(free_port()),
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    folder = tmp_path / "ayuda"
    folder.mkdir()
    (folder / "breve.txt").write_text("La tarifa es de diez euros.")
    with (tmp_path / "indexer.log").open("w") as log:
        indexer = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "support.quick_indexer"),
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        indexed, command_before = await index(folder, environment)
        assert indexed == 1
        before = {"recado index": command_before, "indexer": peak(indexer.pid)}
        write_large(folder / "larga.txt", FILE_BYTES[name])
        indexed, command_after = await index(folder, environment)
        assert indexed == 1
        after = {"recado index": command_after, "indexer": peak(indexer.pid)}
    finally:
        indexer.terminate()
        await indexer.wait()
    print(f"{name}: peaks in MiB with a small file:", before, "with the large one:", after)
    for process, most in PEAKS[name].items():
        assert after[process] - before[process] < most
