"""Kafka and the contenders of ingress's benchmark, each a process on the cores that are its own.

A server has one core to itself and all the others; everything else shares the rest of the cores.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.ingress_floor import Sample
from bench.ingress_requests import INTEGRATIONS, TELEGRAM_INTEGRATION
from recado.devstack.stack.kafka import Kafka, choose_kafka
from recado.devstack.stack.ports import free_port
from recado.schemas.topics import MESSAGES, WEBHOOKS

ROOT = Path(__file__).parents[1]
TOPIC = "bench-ingress"
"""Where those write that make one write."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which cores are the servers', and which are everything else's."""

    server: frozenset[int]
    rest: frozenset[int]

    @classmethod
    def divided(cls) -> "Cores":
        """The last one is the servers'. Raises RuntimeError where there is but one."""
        *rest, last = sorted(os.sched_getaffinity(0))
        if not rest:
            raise RuntimeError("this takes two cores: one for the server, one for what loads it")
        return cls(frozenset({last}), frozenset(rest))


@contextmanager
def on(cores: frozenset[int] | None) -> Iterator[None]:
    """What is started in the block runs on these cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    pid: int


@asynccontextmanager
async def started_kafka(
    directory: Path, cores: frozenset[int] | None = None
) -> AsyncIterator[Kafka]:
    """Apache Kafka, or the one that the environment names. Stopped at the end."""
    kafka = choose_kafka(directory, port=free_port(), controller_port=free_port())
    with on(cores):
        await kafka.start()
    try:
        yield kafka
    finally:
        await kafka.stop()


async def make_topic(bootstrap: str) -> None:
    """The topic of those that make one write, with as many partitions as ours."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, MESSAGES.partitions, 1)])
    finally:
        await admin.close()


@asynccontextmanager
async def recado(
    bootstrap: str, folder: Path, cores: frozenset[int] | None = None, **settings: str
) -> AsyncIterator[Server]:
    """Ingress as it is run in production; `settings` are named as in the environment.

    What it says goes to `ingress.log` in the folder: while Kafka is away that is much.
    """
    integrations = folder / "integrations.yaml"
    integrations.write_text(INTEGRATIONS + TELEGRAM_INTEGRATION)
    port = free_port()
    environment = {
        "RECADO_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "RECADO_INTEGRATIONS_FILE": str(integrations),
        "RECADO_PORT": str(port),
        "RECADO_LOG_LEVEL": "ERROR",
        **settings,
    }
    log = folder / "ingress.log"
    async with server(["recado.ingress"], environment, cores=cores, log=log) as pid:
        await until_ok(port, "/readyz")
        yield Server(port, pid)


@asynccontextmanager
async def serving(
    module: str,
    bootstrap: str,
    *options: str,
    cores: frozenset[int] | None = None,
    python: str = sys.executable,
) -> AsyncIterator[Server]:
    """One of the other contenders, which are told port and bootstrap servers alike."""
    port = free_port()
    arguments = [module, "--port", str(port), "--bootstrap", bootstrap, *options]
    async with server(arguments, {}, cores=cores, python=python) as pid:
        await until_ok(port, "/")
        yield Server(port, pid)


def peers_python() -> str:
    """The Python of pywa and aiogram. Raises RuntimeError where it can't be had."""
    made = subprocess.run(
        [ROOT / "tools" / "oracle.sh", "peers"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if made.returncode:
        raise RuntimeError(f"tools/oracle.sh peers: {made.stderr[-300:]}")
    return made.stdout.strip()


async def start_all(
    stack: AsyncExitStack, kafka: Kafka, records: Path, cores: Cores
) -> dict[str, Server]:
    """Every contender but ingress itself, by name."""
    python = await asyncio.to_thread(peers_python)
    wanted: Mapping[str, tuple[str, Sequence[str], str]] = {
        "floor A": ("bench.ingress_floor", ("--topic", TOPIC), sys.executable),
        "floor B": ("bench.ingress_floor", ("--records", str(records)), sys.executable),
        "fastapi-raw": ("bench.ingress_fastapi", _body("raw"), sys.executable),
        "fastapi-pydantic": ("bench.ingress_fastapi", _body("pydantic"), sys.executable),
        **{
            peer: ("bench.ingress_peers", ("--topic", TOPIC, "--peer", peer), python)
            for peer in ("pywa", "pywa-waiting", "aiogram")
        },
    }
    return {
        name: await stack.enter_async_context(
            serving(module, kafka.bootstrap, *options, cores=cores.server, python=own)
        )
        for name, (module, options, own) in wanted.items()
    }


def _body(kind: str) -> tuple[str, ...]:
    return ("--topic", TOPIC, "--body", kind)


@asynccontextmanager
async def server(
    module: Sequence[str],
    environment: Mapping[str, str],
    *,
    cores: frozenset[int] | None = None,
    python: str = sys.executable,
    log: Path | None = None,
) -> AsyncIterator[int]:
    """A Python module as a process; its id. Ended at the end."""
    with on(cores), log.open("wb") if log else nullcontext() as stderr:
        process = await asyncio.create_subprocess_exec(
            *(python, "-m", *module),
            cwd=ROOT,
            env={**os.environ, **environment},
            stderr=stderr,
        )
    try:
        yield process.pid
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(15):
                await process.wait()
        except TimeoutError:
            process.kill()


async def until_ok(port: int, path: str) -> None:
    """Wait until the server answers; 404 is an answer, 503 is not."""
    async with asyncio.timeout(30):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                status = (await reader.readline()).split()
                writer.close()
                if len(status) > 1 and status[1] in (b"200", b"404"):
                    return
            except ConnectionError:
                pass
            await asyncio.sleep(0.1)


async def written(bootstrap: str) -> int:
    """How many records the contenders have written so far that are a message each."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None)
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in (TOPIC, MESSAGES.name)
            for number in range(MESSAGES.partitions)
        ]
        return sum((await consumer.end_offsets(partitions)).values())
    finally:
        await consumer.stop()


async def samples(bootstrap: str) -> tuple[Sample, ...]:
    """A record of each topic as ingress wrote it for one of the requests."""
    return tuple([await _sample(bootstrap, topic.name) for topic in (MESSAGES, WEBHOOKS)])


async def _sample(bootstrap: str, topic: str) -> Sample:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            record = await consumer.getone()
            return Sample(topic, record.value, tuple(record.headers))
    finally:
        await consumer.stop()
