"""The indexer's parts put together."""

import asyncio
from contextlib import AsyncExitStack

from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker

from recado.indexer.indexing import Indexer
from recado.indexer.settings import IndexerSettings
from recado.knowledge.chunking import ChunkingOptions
from recado.knowledge.embedders.use import UseEmbedder
from recado.knowledge.errors import InvalidDocument, KnowledgeUnavailable
from recado.knowledge.lancedb import LanceKnowledgeBase
from recado.knowledge.port import KnowledgeBase
from recado.schemas.encoding import UndecodableEvent
from recado.schemas.topics import DOCUMENTS, dead_letters
from recado.servicekit import tracing
from recado.servicekit.consumer import ConsumerService
from recado.servicekit.consuming import LaneMetrics, event_of
from recado.servicekit.kafka import make_broker, make_producer
from recado_lanes import Handler, LaneOptions, Lanes, Permanent, Record, Unavailable
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions, KafkaDeadLetters

SERVICE = "indexer"
GROUP = "recado-indexer"
READS = (DOCUMENTS,)
WRITES = (dead_letters(SERVICE),)


class App(ConsumerService):
    """The indexer as a service."""

    def __init__(self, settings: IndexerSettings) -> None:
        self._knowledge: KnowledgeBase = LanceKnowledgeBase(settings.lancedb_path, UseEmbedder())
        self._indexer = Indexer(
            self._knowledge,
            ChunkingOptions(target=settings.chunk_target, maximum=settings.chunk_maximum),
        )
        metrics = LaneMetrics()
        self._broker = make_broker(settings, SERVICE)
        self._producer: AIOKafkaProducer = make_producer(settings, SERVICE)
        self._lanes = _attach(self._broker, self._producer, settings, self._handle, metrics)
        super().__init__(settings, metrics, {"knowledge": self._knowledge_problem})

    async def open_parts(self, parts: AsyncExitStack) -> None:
        """The store, and the collection in it."""
        parts.push_async_callback(self._knowledge.close)
        await self._knowledge.open()
        await self._knowledge.prepare()

    async def consume(self, parts: AsyncExitStack, until: asyncio.Event) -> None:
        """Index documents."""
        parts.push_async_callback(self._producer.stop)
        await self._producer.start()
        await serve(self._broker, self._lanes, until)

    async def _handle(self, record: Record) -> None:
        try:
            event = event_of(record)
            if event is None:
                return
            parent = tracing.traceparent_of(record.headers)
            with tracing.span("index", parent=parent):
                await self._indexer.handle(event)
        except (UndecodableEvent, InvalidDocument) as error:
            raise Permanent(str(error)) from error
        except KnowledgeUnavailable as error:
            raise Unavailable(str(error)) from error

    async def _knowledge_problem(self) -> str | None:
        try:
            await self._knowledge.ready()
        except KnowledgeUnavailable as error:
            return str(error)
        return None


def _attach(
    broker: KafkaBroker,
    producer: AIOKafkaProducer,
    settings: IndexerSettings,
    handler: Handler,
    metrics: LaneMetrics,
) -> Lanes:
    return attach(
        broker,
        handlers={DOCUMENTS.name: handler},
        dead_letters=KafkaDeadLetters(producer.send_and_wait, dead_letters(SERVICE).name),
        group=GroupOptions(
            group_id=GROUP,
            auto_offset_reset=settings.kafka_auto_offset_reset,
            session_timeout=settings.kafka_session_timeout,
            rebalance_timeout=settings.kafka_rebalance_timeout,
        ),
        options=LaneOptions(service=SERVICE, drain_budget=settings.drain_timeout),
        observer=metrics,
    )
