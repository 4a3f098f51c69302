"""The order of starting does not matter: a consumer waits for Kafka and its topics, and says so."""

import asyncio
import os
import sys
from functools import partial
from pathlib import Path

import httpx

from recado.devstack.stack.integrations import integrations, write_private
from recado.devstack.stack.kafka import ApacheKafka
from recado.devstack.stack.mongodb import MongoDb
from recado.devstack.stack.ports import Ports, free_port
from recado.devstack.stack.probes import http_ok
from recado.devstack.stack.process import ChildProcess
from recado.servicekit.settings import KafkaSettings
from recado.servicekit.topics import apply
from support.world import eventually

CONSUMERS = ("rag", "dispatcher", "indexer")


async def test_consumers_that_start_before_kafka_and_its_topics_wait_for_both(
    own_kafka: ApacheKafka, mongodb: MongoDb, tmp_path: Path
) -> None:
    """Alive and not ready meanwhile; ready when they are there, in the same process."""
    await own_kafka.stop()
    write_private(tmp_path / "integrations.yaml", integrations(Ports()))
    ports = {name: free_port() for name in CONSUMERS}
    processes = {
        name: ChildProcess(
            name,
            (sys.executable, "-m", f"recado.{name}"),
            log=tmp_path / f"{name}.log",
            environment={
                "PATH": os.environ["PATH"],
                "RECADO_PORT": str(ports[name]),
                "RECADO_KAFKA_BOOTSTRAP_SERVERS": own_kafka.bootstrap,
                "RECADO_MONGODB_URL": mongodb.url,
                "RECADO_MONGODB_DATABASE": "waiting",
                "RECADO_INTEGRATIONS_FILE": str(tmp_path / "integrations.yaml"),
                "RECADO_LANCEDB_PATH": str(tmp_path / "lancedb"),
            },
        )
        for name in CONSUMERS
    }

    def url(name: str, path: str) -> str:
        return f"http://127.0.0.1:{ports[name]}{path}"

    async def all_ready() -> bool:
        return all([await http_ok(url(name, "/readyz")) for name in CONSUMERS])

    async def all_miss_their_topics() -> bool:
        logs = [(tmp_path / f"{name}.log").read_text(encoding="utf-8") for name in CONSUMERS]
        return all("consumer.waits_for_topics" in log for log in logs)

    try:
        async with asyncio.TaskGroup() as starts:
            for name, process in processes.items():
                starts.create_task(process.start(partial(http_ok, url(name, "/healthz"))))
        async with httpx.AsyncClient() as http:
            for name in CONSUMERS:
                ready = await http.get(url(name, "/readyz"))
                assert ready.status_code == 503
                assert "kafka" in ready.json()["problems"]
        pids = {name: process.pid for name, process in processes.items()}
        await own_kafka.start()
        await eventually(all_miss_their_topics, "all consumers say that topics are missing")
        await apply(KafkaSettings(kafka_bootstrap_servers=own_kafka.bootstrap))
        await eventually(all_ready, "all consumers ready once topics are there", every=0.5)
        assert {name: process.pid for name, process in processes.items()} == pids
    finally:
        for process in processes.values():
            await process.stop()
