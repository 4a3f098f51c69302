"""The indexer's parts put together."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import structlog
from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker

from recado.indexer.failures import told_to_the_lane
from recado.indexer.indexing import Indexer
from recado.indexer.settings import IndexerSettings
from recado.knowledge.connect import make_embedder, make_knowledge
from recado.knowledge.errors import KnowledgeError, KnowledgeUnavailable
from recado.schemas.encoding import UndecodableEvent
from recado.schemas.events import Event
from recado.schemas.topics import DOCUMENTS, dead_letters
from recado.servicekit import metrics as all_metrics
from recado.servicekit.consumer import ConsumerService
from recado.servicekit.consuming import LaneMetrics, event_of
from recado.servicekit.exposition import exposition
from recado.servicekit.kafka import make_broker, make_producer
from recado_lanes import Handler, LaneOptions, Lanes, Record
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions, KafkaDeadLetters
from recado_lanes.tracing import traced
from recado_lanes.typed import typed

log = structlog.stdlib.get_logger(__name__)

SERVICE = "indexer"
GROUP = "recado-indexer"
READS = (DOCUMENTS,)
WRITES = (dead_letters(SERVICE),)
WAITING_RECORDS = 4
"""Of a partition, in memory: a record may have megabytes, and embedding it takes seconds."""
RECORD_TIMEOUT = timedelta(minutes=30)
"""A part of a large document has thousands of chunks; an embedder with a quota takes its time."""


class App(ConsumerService):
    """The indexer as a service."""

    def __init__(self, settings: IndexerSettings) -> None:
        self._embedder = make_embedder(settings, observe=_count_embedding_request)
        self._knowledge = make_knowledge(settings, self._embedder)
        indexer = Indexer(self._knowledge, settings.chunking)
        metrics = LaneMetrics()
        self._broker = make_broker(settings, SERVICE)
        self._producer: AIOKafkaProducer = make_producer(settings, SERVICE)
        handler = handler_of(indexer)
        self._lanes = _attach(self._broker, self._producer, settings, handler, metrics)
        metrics.watch(self._lanes)
        exposed = exposition(SERVICE, reads=READS)
        super().__init__(settings, metrics, {"knowledge": self._knowledge_problem}, exposed)

    async def open_parts(self, parts: AsyncExitStack) -> None:
        """The store, and the collection in it. One that is down is waited for by the first record,
        one that does not fit ends the service with what differs."""
        parts.push_async_callback(self._embedder.aclose)
        parts.push_async_callback(self._knowledge.close)
        await self._embedder.load()
        try:
            await self._knowledge.open()
            await self._knowledge.prepare()
        except KnowledgeUnavailable as error:
            log.warning("indexer.knowledge_unavailable", error=str(error))

    async def consume(
        self, parts: AsyncExitStack, until: asyncio.Event, at_once: asyncio.Event
    ) -> None:
        """Index documents."""
        parts.push_async_callback(self._producer.stop)
        await self._producer.start()
        await serve(self._broker, self._lanes, until, at_once=at_once)

    async def _knowledge_problem(self) -> str | None:
        try:
            await self._knowledge.ready()
        except KnowledgeError as error:
            return str(error)
        return None


def handler_of(indexer: Indexer) -> Handler:
    """Does the work of one record of a document, in the trace of whoever submitted it."""

    async def index(event: Event) -> None:
        with told_to_the_lane():
            await indexer.handle(event)

    return traced(typed(event_of, index, undecodable=UndecodableEvent))


def document_of(record: Record) -> bytes | None:
    """The document that a record is of: what its key begins with."""
    return None if record.key is None else record.key.partition(b"/")[0]


def _count_embedding_request(outcome: str) -> None:
    all_metrics.EMBEDDING_REQUESTS.labels(outcome).inc()


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
        # A document's parts have record keys of their own; they must stay in order all the same.
        keys={DOCUMENTS.name: document_of},
        dead_letters=KafkaDeadLetters(producer.send_and_wait, dead_letters(SERVICE).name),
        group=GroupOptions(
            group_id=GROUP,
            auto_offset_reset=settings.kafka_auto_offset_reset,
            session_timeout=settings.kafka_session_timeout,
            rebalance_timeout=settings.kafka_rebalance_timeout,
            max_records=WAITING_RECORDS,
        ),
        options=LaneOptions(
            service=SERVICE,
            concurrency=settings.concurrency,
            drain_budget=settings.drain_timeout,
            record_timeout=RECORD_TIMEOUT,
            high_water=WAITING_RECORDS,
            low_water=WAITING_RECORDS // 4,
        ),
        observer=metrics,
    )
