"""Ingress beside the floor: requests a second and CPU per request, everything acknowledged.

64 connections post signed unique WhatsApp messages. Contenders take turns against one Kafka, so
that what else the machine does falls on both. Trust CPU per request and the ratios before the
rates: on two cores the load generator and Kafka take a good part of both.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from pydantic import JsonValue

from bench.ingress_floor import Sample, dump
from bench.report import Effort, Result, cpu_seconds, median
from recado.devstack.stack.kafka import Kafka, choose_kafka
from recado.devstack.stack.ports import free_port
from recado.schemas.topics import MESSAGES, WEBHOOKS
from recado.servicekit import topics
from recado.servicekit.settings import KafkaSettings

CONCURRENCY = 64
WARM_UP = 2.0
SECRET = "benchmark-app-secret"
NUMBER = "100000000000001"
INTEGRATIONS = f"""
integrations:
  - name: main
    platform: whatsapp
    phone_number_id: "{NUMBER}"
    access_token: token
    app_secret: {SECRET}
    verify_token: token
"""


@dataclass
class Contender:
    """A server process and what was measured of it, a round each."""

    name: str
    port: int
    pid: int
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    async def round(self, seconds: float, *, counts: bool = True) -> None:
        """Put it under load once. Raises RuntimeError where an answer was not 200."""
        before = cpu_seconds(self.pid)
        found = await apply_load(self.port, seconds)
        cpu = cpu_seconds(self.pid) - before
        if set(found.statuses) != {"200"}:
            raise RuntimeError(f"{self.name} answered {dict(found.statuses)}")
        if counts:
            self.rates.append(found.requests / found.seconds)
            self.cpu.append(cpu / found.requests)
            self.p50.append(found.p50)
            self.p99.append(found.p99)

    def figures(self) -> dict[str, JsonValue]:
        """Medians over the rounds, and each round."""
        return {
            "requests_per_second": round(median(self.rates), 1),
            "cpu_microseconds_per_request": round(median(self.cpu) * 1e6, 1),
            "p50_milliseconds": round(median(self.p50) * 1e3, 2),
            "p99_milliseconds": round(median(self.p99) * 1e3, 2),
            "rounds": {
                "requests_per_second": [round(one, 1) for one in self.rates],
                "cpu_microseconds_per_request": [round(one * 1e6, 1) for one in self.cpu],
            },
        }


def run(effort: Effort) -> Result:
    """Measure; needs nothing running."""
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as folder:
        return asyncio.run(_run(effort, Path(folder)))


async def _run(effort: Effort, folder: Path) -> Result:
    async with AsyncExitStack() as stack:
        kafka = await stack.enter_async_context(started_kafka(folder / "kafka"))
        await topics.apply(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap))
        ingress = await stack.enter_async_context(recado(kafka.bootstrap, folder))
        await apply_load(ingress.port, 0.2)
        records = folder / "records.json"
        records.write_text(dump(await samples(kafka.bootstrap)))
        bare = await stack.enter_async_context(floor(kafka.bootstrap, records))
        contenders = [ingress, bare]
        for one in contenders:
            await one.round(WARM_UP, counts=False)
        for number in range(effort.rounds):
            for one in contenders if number % 2 == 0 else reversed(contenders):
                await one.round(effort.seconds)
        return result(ingress, bare, kafka)


def result(ingress: Contender, bare: Contender, kafka: Kafka) -> Result:
    """Both, and ingress as a multiple of the floor, round by round and then the median."""
    rate = median([a / b for a, b in zip(ingress.rates, bare.rates, strict=True)])
    cpu = median([a / b for a, b in zip(ingress.cpu, bare.cpu, strict=True)])
    lines = [f"{'':34}{'req/s':>9}{'CPU µs/req':>12}{'p50 ms':>9}{'p99 ms':>9}"]
    lines += [
        f"{one.name:34}{median(one.rates):9.0f}{median(one.cpu) * 1e6:12.0f}"
        f"{median(one.p50) * 1e3:9.1f}{median(one.p99) * 1e3:9.1f}"
        for one in (ingress, bare)
    ]
    lines.append(f"{'ingress / floor':34}{rate:9.2f}{cpu:12.2f}")
    figures: dict[str, JsonValue] = {
        "kafka": kafka.describe(),
        "concurrency": CONCURRENCY,
        "contenders": {one.name: one.figures() for one in (ingress, bare)},
        "ratio": {"requests_per_second": round(rate, 3), "cpu_per_request": round(cpu, 3)},
    }
    return Result("\n".join(lines), figures)


@asynccontextmanager
async def started_kafka(directory: Path) -> AsyncIterator[Kafka]:
    """Apache Kafka, or the one that the environment names. Stopped at the end."""
    kafka = choose_kafka(directory, port=free_port(), controller_port=free_port())
    await kafka.start()
    try:
        yield kafka
    finally:
        await kafka.stop()


@asynccontextmanager
async def recado(bootstrap: str, folder: Path) -> AsyncIterator[Contender]:
    """Ingress as it is run in production."""
    integrations = folder / "integrations.yaml"
    integrations.write_text(INTEGRATIONS)
    port = free_port()
    environment = {
        "RECADO_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "RECADO_INTEGRATIONS_FILE": str(integrations),
        "RECADO_PORT": str(port),
        "RECADO_LOG_LEVEL": "WARNING",
    }
    async with server(["recado.ingress"], environment) as pid:
        await until_ok(port, "/readyz")
        yield Contender("Recado ingress", port, pid)


@asynccontextmanager
async def floor(bootstrap: str, records: Path) -> AsyncIterator[Contender]:
    """The bare endpoint with the same writes."""
    port = free_port()
    arguments = ["--port", str(port), "--bootstrap", bootstrap, "--records", str(records)]
    async with server(["bench.ingress_floor", *arguments], {}) as pid:
        await until_ok(port, "/")
        yield Contender("bare Starlette + aiokafka", port, pid)


@asynccontextmanager
async def server(module: list[str], environment: Mapping[str, str]) -> AsyncIterator[int]:
    """A Python module as a process; its id. Ended at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *module, env={**os.environ, **environment}
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


@dataclass(frozen=True, slots=True)
class Applied:
    """What the load generator saw; times in seconds."""

    requests: int
    seconds: float
    statuses: Mapping[str, int]
    p50: float
    p99: float


async def apply_load(port: int, seconds: float) -> Applied:
    """Run the load generator, a process of its own, to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.http_load", "--port", str(port), "--seconds", str(seconds)),
        *("--concurrency", str(CONCURRENCY), "--secret", SECRET, "--number", NUMBER),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(seconds + 60):
        printed, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the load generator ended with {process.returncode}")
    return Applied(**json.loads(printed))


async def samples(bootstrap: str) -> tuple[Sample, ...]:
    """A record of each topic as ingress wrote it for one of the requests."""
    return tuple([await sample(bootstrap, topic.name) for topic in (MESSAGES, WEBHOOKS)])


async def sample(bootstrap: str, topic: str) -> Sample:
    """The first record that is found in a topic."""
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
