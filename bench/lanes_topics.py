"""Kafka for the benchmarks of lanes, and the topics that they read."""

import os
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.lanes_load import PARTITIONS, Workload
from bench.report import quiet
from recado.devstack.stack.kafka import choose_kafka
from recado.devstack.stack.ports import free_port
from recado.schemas import ids
from recado.schemas.base import Platform
from recado.schemas.conversations import Recipient, ReplyTo, User
from recado.schemas.encoding import encode
from recado.schemas.events import MessageReceived
from recado.schemas.webhooks import MessageKind

Headers = list[tuple[str, bytes]]
Written = tuple[bytes, bytes, Headers]
"""Key, value and headers of a record."""

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@asynccontextmanager
async def kafka(directory: Path) -> AsyncIterator[str]:
    """A Kafka as the devstack chooses it; its bootstrap servers."""
    quiet()
    broker = choose_kafka(
        directory / "kafka",
        port=free_port(),
        controller_port=free_port(),
        environment=os.environ,
    )
    await broker.start()
    try:
        yield broker.bootstrap
    finally:
        await broker.stop()


async def make_topic(bootstrap: str, prefix: str) -> str:
    """A new topic; its name."""
    topic = f"{prefix.lower()}-{uuid.uuid4().hex[:6]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    finally:
        await admin.close()
    return topic


async def write(bootstrap: str, prefix: str, records: Iterable[Written]) -> str:
    """A new topic with these records; its name."""
    topic = await make_topic(bootstrap, prefix)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5) as producer:
        for key, value, headers in records:
            await producer.send(topic, value, key=key, headers=headers)
        await producer.flush()
    return topic


def numbers(workload: Workload) -> Iterator[Written]:
    """The records of a workload, each its number and nothing else."""
    for number, (key, _) in enumerate(workload.draw()):
        yield b"customer-%d" % key, b"%d" % number, []


def events(workload: Workload) -> Iterator[Written]:
    """The records of a workload as messages of customers, their numbers the platform's ids."""
    now = datetime.now(UTC)
    webhook = ids.fresh_id()
    for number, (key, _) in enumerate(workload.draw()):
        chat = f"customer-{key}"
        event = MessageReceived(
            id=ids.message_id("bench", "message", chat, str(number)),
            occurred_at=now,
            sent_at=now,
            conversation=ids.conversation_key("telegram", "bench", chat),
            reply_to=ReplyTo(
                platform=Platform.TELEGRAM,
                integration="bench",
                chat=chat,
                recipient=Recipient.CHAT,
            ),
            user=User(id=chat, name="Ana"),
            platform_message_id=str(number),
            kind=MessageKind.TEXT,
            platform_kind="text",
            text="¿Por qué mi internet está lento?",
            webhook_id=webhook,
        )
        record = encode(event, source="bench", traceparent=TRACEPARENT)
        yield record.key, record.value, list(record.headers)
