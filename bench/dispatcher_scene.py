"""A dispatcher process between real Kafka, MongoDB and the platforms' stand-ins, and its load.

A closed loop: so many answers are under way, and the next is written when an outcome is read. So
what is measured at full load is not the length of a queue that somebody else has made.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.dispatcher_events import answer, customer
from bench.lanes_topics import kafka
from bench.report import cpu_seconds
from recado.devstack.stack.integrations import (
    integrations,
    standins_configuration,
    write_private,
)
from recado.devstack.stack.mongodb import choose_mongodb
from recado.devstack.stack.ports import Ports, free_port
from recado.devstack.stack.services import Service
from recado.devstack.stack.standins import StandIns
from recado.schemas.encoding import decode, encode
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered
from recado.schemas.topics import CONVERSATION_PARTITIONS, DELIVERIES
from recado.servicekit.partitions import partition_of
from recado.servicekit.settings import KafkaSettings
from recado.servicekit.topics import apply

SETTINGS: Final[Mapping[str, str]] = {"RECADO_LOG_LEVEL": "WARNING"}
"""What the dispatcher is told beside its addresses."""

UNLIMITED: Final[Mapping[str, Mapping[str, object]]] = {
    "telegram": {
        "messages_per_second": 1e9,
        "chat_messages_per_second": 1e9,
        "group_messages_per_minute": 1e9,
    },
    "whatsapp": {"messages_per_second": 1e9, "pair_interval": "PT0.000001S"},
}
"""No platform's limits here: what the dispatcher can do is measured."""

PATIENCE: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Load:
    """What some answers took."""

    delivered: int
    seconds: float
    cpu: float
    """Of the dispatcher's process, in seconds."""
    waits: list[float] = field(repr=False)
    """Of each answer, from the broker's time of its event to the platform's of its request, in
    seconds; the broker's has milliseconds only."""


class Scene:
    """Everything there; see `scene`."""

    def __init__(
        self,
        service: Service,
        producer: AIOKafkaProducer,
        outcomes: AIOKafkaConsumer,
        http: httpx.AsyncClient,
        mongodb: str,
    ) -> None:
        self.mongodb = mongodb
        self.standins = str(http.base_url)
        self._service = service
        self._producer = producer
        self._outcomes = outcomes
        self._http = http
        self._numbers = count()
        self._seen = 0

    async def deliver(self, answers: int, under_way: int) -> Load:
        """Have so many answers delivered, of customers who never got one."""
        numbers = [next(self._numbers) for _ in range(answers)]
        await self.known(numbers)
        written: dict[str, datetime] = {}
        free = asyncio.Semaphore(under_way)
        began, cpu = time.perf_counter(), self._cpu()
        async with asyncio.timeout(PATIENCE.total_seconds()), asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read(answers, free))
            for number in numbers:
                await free.acquire()
                tasks.create_task(self._write(number, written))
            await reading
        seconds, cpu = time.perf_counter() - began, self._cpu() - cpu
        arrived = await self._arrived()
        waits = [
            (datetime.fromisoformat(one["at"]) - written[one["chat"]]).total_seconds()
            for one in arrived
            if one["chat"] in written
        ]
        if len(waits) != answers:
            raise AssertionError(f"{len(waits)} requests for {answers} answers")
        return Load(answers, seconds, cpu, waits)

    async def known(self, numbers: list[int]) -> None:
        """Have the platforms know these customers."""
        response = await self._http.post(
            "/control/customers", json=[customer(number) for number in numbers]
        )
        response.raise_for_status()

    def _cpu(self) -> float:
        pid = self._service.process.pid
        return 0.0 if pid is None else cpu_seconds(pid)

    async def _write(self, number: int, written: dict[str, datetime]) -> None:
        event = answer(number)
        encoded = encode(event, source="bench")
        metadata = await self._producer.send_and_wait(
            encoded.topic,
            encoded.value,
            key=encoded.key,
            headers=list(encoded.headers),
            partition=partition_of(encoded.key, CONVERSATION_PARTITIONS),
        )
        at = datetime.fromtimestamp(metadata.timestamp / 1000).astimezone()
        written[event.reply_to.chat] = at

    async def _read(self, answers: int, free: asyncio.Semaphore) -> None:
        left = answers
        while left:
            polled = await self._outcomes.getmany(timeout_ms=200)
            for record in (record for records in polled.values() for record in records):
                event = decode(record.headers, record.value)
                if isinstance(event, AnswerNotDelivered):
                    raise AssertionError(  # noqa: TRY004 - no wrong type, a wrong outcome
                        f"an answer was not delivered: {event.reason}"
                    )
                if isinstance(event, AnswerDelivered):
                    left -= 1
                    free.release()

    async def _arrived(self) -> list[dict[str, str]]:
        """What customers received since the last look."""
        params = {"after": self._seen, "limit": 50_000}
        response = await self._http.get("/control/messages", params=params)
        response.raise_for_status()
        found = response.json()
        self._seen = found["next"]
        arrived: list[dict[str, str]] = found["messages"]
        return arrived


@asynccontextmanager
async def scene(directory: Path) -> AsyncIterator[Scene]:
    """A dispatcher that works, and all that it needs."""
    ports = Ports.free()
    environment = {key: value for key, value in os.environ.items() if key[:7] != "RECADO_"}
    async with AsyncExitStack() as parts:
        bootstrap = await parts.enter_async_context(kafka(directory))
        await apply(KafkaSettings(kafka_bootstrap_servers=bootstrap))
        mongodb = choose_mongodb(directory / "mongodb", port=free_port())
        await mongodb.start()
        parts.push_async_callback(mongodb.stop)
        configuration = directory / "standins.yaml"
        write_private(configuration, standins_configuration(None))
        standins = StandIns(
            directory, port=ports.standins, configuration=configuration, environment=environment
        )
        await standins.start()
        parts.push_async_callback(standins.stop)
        accounts = directory / "integrations.yaml"
        configured = integrations(ports)
        for account in configured["integrations"]:  # type: ignore[attr-defined]  # mappings
            account.update(UNLIMITED[account["platform"]])
        write_private(accounts, configured)
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=0)
        await producer.start()
        parts.push_async_callback(producer.stop)
        outcomes = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="latest")
        await outcomes.start()
        parts.push_async_callback(outcomes.stop)
        partitions = [
            TopicPartition(DELIVERIES.name, number) for number in range(CONVERSATION_PARTITIONS)
        ]
        outcomes.assign(partitions)
        for partition in partitions:
            await outcomes.position(partition)
        service = Service(
            "dispatcher",
            directory,
            port=free_port(),
            environment={
                **environment,
                "RECADO_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
                "RECADO_MONGODB_URL": mongodb.url,
                "RECADO_INTEGRATIONS_FILE": str(accounts),
                **SETTINGS,
            },
        )
        await service.start()
        parts.push_async_callback(service.stop)
        http = await parts.enter_async_context(httpx.AsyncClient(base_url=standins.url, timeout=60))
        yield Scene(service, producer, outcomes, http, mongodb.url)
