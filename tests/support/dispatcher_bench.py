"""The dispatcher as a process between real Kafka, MongoDB's stand-in and the platforms' stand-ins.

The topics are the contract's own, on the shared broker; each test has customers and a database of
its own and looks only for these.
"""

import asyncio
import os
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from recado.devstack.stack import integrations as demo
from recado.devstack.stack.ports import Ports, free_port
from recado.devstack.stack.services import Service
from recado.dispatcher.store import MongoDocuments
from recado.schemas.encoding import decode
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered, Event
from recado.schemas.topics import CONVERSATION_PARTITIONS, DELIVERIES
from recado.servicekit import topics
from recado.servicekit.kafka import Publisher, make_event_producer
from recado.servicekit.settings import KafkaSettings

PATIENCE = timedelta(seconds=60)


class Bench:
    """What a test works with."""

    def __init__(self, kafka: str, standins: str, directory: Path) -> None:
        self.kafka = kafka
        self.standins = standins
        self.database = f"d{uuid4().hex}"
        self._directory = directory
        self._settings = KafkaSettings(kafka_bootstrap_servers=kafka)
        self._producer = make_event_producer(self._settings, "test")
        self._publisher = Publisher(self._producer, "test")
        self._deliveries: list[Event] = []
        self.http = httpx.AsyncClient(base_url=standins, timeout=70)
        self._open = AsyncExitStack()

    async def start(self) -> None:
        await topics.apply(self._settings)
        self._open.push_async_callback(self.http.aclose)
        await self._producer.start()
        self._open.push_async_callback(self._producer.stop)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka, auto_offset_reset="latest")
        await consumer.start()
        self._open.push_async_callback(consumer.stop)
        partitions = [
            TopicPartition(DELIVERIES.name, number) for number in range(CONVERSATION_PARTITIONS)
        ]
        consumer.assign(partitions)
        for partition in partitions:
            await consumer.position(partition)
        self._consumer = consumer

    async def stop(self) -> None:
        await self._open.aclose()

    async def dispatcher(self, mongodb: str, **settings: str) -> Service:
        """A dispatcher process, working. It is ended with the test."""
        integrations = self.configure()
        port = free_port()
        logs = self._directory / str(port)
        logs.mkdir()
        service = Service(
            "dispatcher",
            logs,
            port=port,
            environment={
                **{key: value for key, value in os.environ.items() if key[:7] != "RECADO_"},
                "RECADO_KAFKA_BOOTSTRAP_SERVERS": self.kafka,
                "RECADO_KAFKA_SESSION_TIMEOUT": "PT6S",
                "RECADO_MONGODB_URL": mongodb,
                "RECADO_MONGODB_DATABASE": self.database,
                "RECADO_INTEGRATIONS_FILE": str(integrations),
                "RECADO_INTEGRATIONS_INTERVAL": "PT0.05S",
                "RECADO_SEND_TIMEOUT": "PT3S",
                "RECADO_CLAIM_SKEW": "PT0.5S",
                **settings,
            },
        )
        await service.start()
        self._open.push_async_callback(service.stop)
        return service

    def configure(self, **telegram: str) -> Path:
        """Write the integrations file, with this of Telegram's account changed; where it is."""
        file = self._directory / "integrations.yaml"
        known = demo.integrations(Ports())
        for account in known["integrations"]:  # type: ignore[attr-defined]  # a list of mappings
            path = account["api_base_url"].rsplit("/", 1)[1]
            account["api_base_url"] = f"{self.standins}/{path}"
            if account["name"] == demo.TELEGRAM_NAME:
                account.update(telegram)
        demo.write_private(file, known)
        return file

    def documents(self, mongodb: str) -> MongoDocuments:
        documents = MongoDocuments(mongodb, self.database, timeout=timedelta(seconds=20))
        self._open.callback(documents.close)
        return documents

    async def publish(self, *events: Event) -> None:
        await self._publisher.publish(*events)

    async def arrived(self, chat: str, count: int = 1) -> list[dict[str, str]]:
        """What the customer received, as soon as it is so much; at most `PATIENCE` later."""
        async with asyncio.timeout(PATIENCE.total_seconds()):
            while True:
                answer = await self.http.get("/control/messages", params={"chat": chat})
                messages: list[dict[str, str]] = answer.json()["messages"]
                if len(messages) >= count:
                    return messages
                await asyncio.sleep(0.1)

    async def operations(self, chat: str) -> list[str]:
        """What the platforms were asked to do for that customer, in order."""
        answer = await self.http.get("/control/requests", params={"limit": "50000"})
        requests: list[dict[str, object]] = answer.json()["requests"]
        return [str(one["operation"]) for one in requests if chat in str(one["body"])]

    async def outcome(self, answer_id: object) -> AnswerDelivered | AnswerNotDelivered:
        """What became of the answer, from the topic."""

        def known() -> AnswerDelivered | AnswerNotDelivered | None:
            for event in self._deliveries:
                if isinstance(event, AnswerDelivered | AnswerNotDelivered) and (
                    event.answer_id == answer_id
                ):
                    return event
            return None

        async with asyncio.timeout(PATIENCE.total_seconds()):
            while (found := known()) is None:
                polled = await self._consumer.getmany(timeout_ms=200)
                for records in polled.values():
                    self._deliveries += [decode(one.headers, one.value) for one in records]
        return found

    async def faults(self, platform: str, *faults: dict[str, object]) -> None:
        answer = await self.http.put(f"/control/faults/{platform}", json=list(faults))
        answer.raise_for_status()
        self._open.push_async_callback(self.http.delete, "/control/faults")

    async def customers(self, *customers: dict[str, object]) -> None:
        answer = await self.http.post("/control/customers", json=list(customers))
        answer.raise_for_status()
