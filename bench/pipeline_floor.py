"""The floor of the pipeline benchmark: the calls on a message's way, bare, one after another."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from pymongo import WriteConcern

from recado.cli.settings import CliSettings
from recado.devstack.stack.integrations import WHATSAPP_ACCESS_TOKEN, WHATSAPP_PHONE_NUMBER_ID
from recado.knowledge.embedders.use import UseEmbedder
from recado.knowledge.lancedb import LanceKnowledgeBase

CUSTOMER = "1234567890"
MODEL_PATH = "/gemini/v1beta/models/gemini-3.8-flash:generateContent"
SEND_PATH = f"/graph/v26.0/{WHATSAPP_PHONE_NUMBER_ID}/messages"
RECORD_BYTES = 2000

Step = tuple[str, float]


class Floor:
    """Connections to everything, and one question's calls over them."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        consumers: dict[str, AIOKafkaConsumer],
        claims: AsyncIOMotorCollection[dict[str, Any]],
        knowledge: LanceKnowledgeBase,
        http: httpx.AsyncClient,
    ) -> None:
        self._producer = producer
        self._consumers = consumers
        self._claims = claims
        self._knowledge = knowledge
        self._http = http

    @classmethod
    @asynccontextmanager
    async def started(cls, settings: CliSettings, knowledge: Path) -> "AsyncIterator[Floor]":
        """Connected to the servers of the stack; topics of its own, so that nobody else reads."""
        bootstrap = settings.kafka_bootstrap_servers
        topics = ("floor.messages", "floor.answers", "floor.deliveries")
        await _make(bootstrap, topics)
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=True
        )
        consumers = {
            topic: AIOKafkaConsumer(topic, bootstrap_servers=bootstrap) for topic in topics
        }
        mongodb: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(settings.mongodb_url)
        embedder = UseEmbedder()
        base = LanceKnowledgeBase(knowledge, embedder)
        http = httpx.AsyncClient(base_url=settings.standins_url)
        try:
            await embedder.load()
            await base.open()
            await producer.start()
            for consumer in consumers.values():
                await consumer.start()
                await consumer.seek_to_end()
            claims = mongodb["floor"].get_collection(
                "claims", write_concern=WriteConcern("majority", j=True)
            )
            yield cls(producer, consumers, claims, base, http)
        finally:
            for consumer in consumers.values():
                await consumer.stop()
            await producer.stop()
            await http.aclose()
            await base.close()
            mongodb.close()

    async def ask(self, question: str) -> list[Step]:
        """One question's calls; how long each took, in seconds."""
        steps: list[Step] = []
        began = perf_counter()

        def done(step: str) -> None:
            nonlocal began
            now = perf_counter()
            steps.append((step, now - began))
            began = now

        await self._through("floor.messages")
        done("message written and read")
        await self._claims.find_one({"_id": CUSTOMER})
        done("history read")
        found = await self._knowledge.search(question, 5)
        done("knowledge searched")
        sources = "\n".join(f"[{n}] {one.text}" for n, one in enumerate(found.passages, start=1))
        await self._post(
            MODEL_PATH,
            {"x-goog-api-key": "gemini-demo-key"},
            {"contents": [{"role": "user", "parts": [{"text": f"{sources}\n\n{question}"}]}]},
        )
        done("model asked")
        await self._through("floor.answers")
        done("answer written and read")
        claim = uuid.uuid4().hex
        await self._claims.insert_one({"_id": claim, "at": datetime.now(UTC), "state": "claimed"})
        await self._post(
            SEND_PATH,
            {"authorization": f"Bearer {WHATSAPP_ACCESS_TOKEN}"},
            {
                "messaging_product": "whatsapp",
                "to": CUSTOMER,
                "type": "text",
                "text": {"body": question},
            },
        )
        await self._claims.update_one({"_id": claim}, {"$set": {"state": "sent"}})
        done("claimed, sent, marked")
        await self._through("floor.deliveries")
        done("delivery written and read")
        return steps

    async def _through(self, topic: str) -> None:
        await self._producer.send_and_wait(topic, _record())
        await self._consumers[topic].getone()

    async def _post(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> None:
        response = await self._http.post(path, headers=headers, json=body)
        response.raise_for_status()


def _record() -> bytes:
    """A record's value of the usual size."""
    return b"x" * RECORD_BYTES


async def _make(bootstrap: str, topics: tuple[str, ...]) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1) for topic in topics])
    finally:
        await admin.close()
