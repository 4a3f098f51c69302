"""rag on real parts: Kafka, MongoDB's stand-in, LanceDB, the Gemini API's stand-in."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import SecretStr

from recado.devstack.stack.kafka import RealKafka
from recado.devstack.stack.mongodb import MongoDb
from recado.devstack.stack.standins import StandIns
from recado.knowledge import Document, Section, chunk_document
from recado.knowledge.embedders.use import UseEmbedder
from recado.knowledge.lancedb import LanceKnowledgeBase
from recado.rag.app import GROUP, App
from recado.rag.settings import RagSettings
from recado.schemas import ids
from recado.schemas.encoding import decode, encode
from recado.schemas.events import AnswerGenerated, Event, MessageReceived
from recado.schemas.topics import ANSWERS, MESSAGES
from recado.servicekit import topics
from recado.servicekit.settings import KafkaSettings
from support.examples import MESSAGE_RECEIVED

PATIENCE = timedelta(seconds=60)

PAGES = {
    "internet-lento.md": (
        "¿Por qué mi internet está lento?",
        "Reinicia el router y espera dos minutos. Después repite la prueba de velocidad por cable.",
    ),
    "factura.md": (
        "Cómo pagar la factura",
        "Puedes pagar la factura con tarjeta o por transferencia desde tu cuenta en la web.",
    ),
}


@dataclass
class Rag:
    """What a test of rag has at hand. `conversation` is a new one."""

    settings: RagSettings
    gemini_control: str
    mongodb: "AsyncIOMotorClient[dict[str, object]]"
    conversation: str = field(
        default_factory=lambda: ids.conversation_key("whatsapp", "demo", uuid.uuid4().hex)
    )
    _beginning: dict[TopicPartition, int] = field(default_factory=dict)

    def message(self, text: str, *, age: timedelta = timedelta(0)) -> MessageReceived:
        """A message in the conversation."""
        event_id = uuid.uuid4()
        return MESSAGE_RECEIVED.model_copy(
            update={
                "id": event_id,
                "platform_message_id": f"wamid.{event_id}",
                "conversation": self.conversation,
                "occurred_at": datetime.now(UTC) - age,
                "text": text,
            }
        )

    async def send(self, *messages: Event) -> None:
        """Write events to their topics."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap_servers)
        await producer.start()
        try:
            for message in messages:
                encoded = encode(message, source="test")
                await producer.send_and_wait(
                    encoded.topic,
                    encoded.value,
                    key=encoded.key,
                    headers=list(encoded.headers),
                )
        finally:
            await producer.stop()

    async def send_broken(self) -> None:
        """A record of the conversation that nobody can read."""
        encoded = encode(self.message(""), source="test")
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap_servers)
        await producer.start()
        try:
            await producer.send_and_wait(
                encoded.topic, b"{", key=encoded.key, headers=list(encoded.headers)
            )
        finally:
            await producer.stop()

    async def answers(self, count: int) -> list[AnswerGenerated]:
        """The answers in the conversation, as soon as there are so many."""
        consumer = AIOKafkaConsumer(
            ANSWERS.name,
            bootstrap_servers=self.settings.kafka_bootstrap_servers,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        await consumer.start()
        found: list[AnswerGenerated] = []
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                while len(found) < count:
                    record = await consumer.getone()
                    event = decode(record.headers, record.value)
                    if isinstance(event, AnswerGenerated) and event.conversation == (
                        self.conversation
                    ):
                        found.append(event)
        finally:
            await consumer.stop()
        return found

    async def model_calls(self, text: str) -> int:
        """How often the model was asked with this text in the last turn."""
        async with httpx.AsyncClient(trust_env=False) as http:
            arrived = await http.get(f"{self.gemini_control}/requests?platform=gemini&limit=50000")
        turns = [
            request["body"]["contents"][-1]["parts"][0]["text"]
            for request in arrived.json()["requests"]
            if isinstance(request["body"], dict) and "contents" in request["body"]  # no embedding
        ]
        return sum(text in turn for turn in turns)

    @asynccontextmanager
    async def running(self, **changes: object) -> AsyncIterator[App]:
        """The service, from its start to its orderly end."""
        app = App(self.settings.model_copy(update=changes))
        try:
            await app.start()
            yield app
        finally:
            await app.stop()

    async def read_no_others(self) -> None:
        """Commit the end of the topic for the group: what other tests wrote is not for this one."""
        async with self._group() as (consumer, partitions):
            self._beginning = await consumer.end_offsets(partitions)
            await consumer.commit(self._beginning)

    async def forget_commits(self) -> None:
        """Put the group's offsets back to where this test began, as if none had been committed."""
        async with self._group() as (consumer, _):
            await consumer.commit(self._beginning)

    @asynccontextmanager
    async def _group(self) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
        """rag's consumer group, which must have no members."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka_bootstrap_servers,
            group_id=GROUP,
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            partitions = [TopicPartition(MESSAGES.name, n) for n in range(MESSAGES.partitions)]
            consumer.assign(partitions)
            yield consumer, partitions
        finally:
            await consumer.stop()


@pytest.fixture
async def knowledge_path(tmp_path: Path) -> Path:
    """A knowledge base of two pages."""
    path = tmp_path / "knowledge"
    embedder = UseEmbedder()
    base = LanceKnowledgeBase(path, embedder)
    for source, (title, text) in PAGES.items():
        document = Document(
            id=ids.document_id("ayuda", source),
            source=source,
            title=title,
            language="es",
            content_sha256=hashlib.sha256(text.encode()).hexdigest(),
            sections=(Section((), text),),
        )
        await base.replace(document, chunk_document(document))
    await base.close()
    embedder.close()
    return path


@pytest.fixture
async def rag(
    kafka: RealKafka, mongodb: MongoDb, standins: StandIns, knowledge_path: Path
) -> AsyncIterator[Rag]:
    """rag's surroundings; its topics are there, its group begins at their end."""
    await topics.apply(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap))
    database = f"rag_{uuid.uuid4().hex[:12]}"
    settings = RagSettings(
        kafka_bootstrap_servers=kafka.bootstrap,
        kafka_session_timeout=timedelta(seconds=6),
        kafka_rebalance_timeout=timedelta(seconds=20),
        drain_timeout=timedelta(seconds=5),
        lancedb_path=knowledge_path,
        mongodb_url=SecretStr(mongodb.url),
        mongodb_database=database,
        gemini_api_key=SecretStr("gemini-demo-key"),
        gemini_base_url=f"{standins.url}/gemini",
        port=0,
    )
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(mongodb.url)
    surroundings = Rag(settings, f"{standins.url}/control", client)
    await surroundings.read_no_others()
    yield surroundings
    await client.drop_database(database)
    client.close()
