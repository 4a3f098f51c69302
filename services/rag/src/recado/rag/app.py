"""rag's parts put together."""

import asyncio
from contextlib import AsyncExitStack

from recado.knowledge.connect import make_embedder, make_knowledge
from recado.knowledge.embedders.cached import CachedEmbedder
from recado.rag import choices, texts
from recado.rag.answering import Answering
from recado.rag.conversations import MongoConversations
from recado.rag.coverage import Coverage
from recado.rag.handling import MessageHandler
from recado.rag.ladder import Ladder
from recado.rag.observing import (
    CoverageMetrics,
    count_cache_lookup,
    count_embedding_request,
)
from recado.rag.restoring import Restorer, group_less_consumer
from recado.rag.retrieval import Retriever
from recado.rag.settings import RagSettings
from recado.schemas.events import AnswerGenerated
from recado.schemas.topics import ANSWERS, MESSAGES, dead_letters
from recado.servicekit.consumer import ConsumerService
from recado.servicekit.consuming import LaneMetrics
from recado.servicekit.exposition import exposition
from recado.servicekit.kafka import make_broker, make_producer
from recado.servicekit.publishing import LastingPublisher
from recado_lanes import Batch, LaneOptions, Lanes
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions, KafkaDeadLetters

SERVICE = "rag"
GROUP = "recado-rag"
READS = (MESSAGES,)
WRITES = (ANSWERS, dead_letters(SERVICE))


class App(ConsumerService):
    """rag as a service."""

    def __init__(self, settings: RagSettings) -> None:
        self._embedder = make_embedder(settings, observe=count_embedding_request)
        cached = CachedEmbedder(
            self._embedder, settings.query_cache_entries, observe=count_cache_lookup
        )
        self._knowledge = make_knowledge(settings, cached)
        self._retriever = Retriever(
            self._knowledge,
            passages=settings.passages,
            timeout=settings.retrieval_timeout,
            embedder=self._embedder.name,
        )
        self._conversations = MongoConversations(settings.mongodb_url, settings.mongodb_database)
        self._http = choices.http_client(settings)
        self._gemini = choices.gemini(settings, self._http)
        self._coverage = Coverage()
        self._broker = make_broker(settings, SERVICE)
        self._producer = make_producer(settings, SERVICE)
        self._publisher = LastingPublisher(settings, SERVICE)
        metrics = CoverageMetrics(self._coverage)
        self._lanes = self._attach(settings, metrics)
        metrics.watch(self._lanes)
        exposed = exposition(SERVICE, reads=READS, publishes=(AnswerGenerated,))
        super().__init__(settings, metrics, {"knowledge": self._knowledge_problem}, exposed)

    async def open_parts(self, parts: AsyncExitStack) -> None:
        """The models, loaded before the first question, and the store: one that is down is searched
        again with each question, one that does not fit ends the service with what differs."""
        parts.push_async_callback(self._http.aclose)
        parts.callback(self._conversations.close)
        parts.push_async_callback(self._embedder.aclose)
        parts.push_async_callback(self._knowledge.close)
        parts.push_async_callback(self._publisher.close)
        await self._embedder.load()
        if self._gemini is not None:
            await self._gemini.load()
        await self._retriever.check()

    async def consume(
        self, parts: AsyncExitStack, until: asyncio.Event, at_once: asyncio.Event
    ) -> None:
        """Answer messages."""
        parts.push_async_callback(self._producer.stop)
        await self._producer.start()
        await serve(self._broker, self._lanes, until, at_once=at_once)

    def _attach(self, settings: RagSettings, observer: LaneMetrics) -> Lanes:
        catalogue = texts.load()
        ladder = Ladder(
            self._retriever,
            self._gemini,
            catalogue,
            choices.thresholds(settings, self._embedder),
            rewrite_follow_ups=settings.rewrite_follow_ups,
        )
        handler = MessageHandler(
            Answering(self._conversations, ladder, catalogue, deadline=settings.answer_deadline),
            self._publisher,
            self._coverage,
            max_age=settings.message_max_age,
        )
        restorer = Restorer(self._coverage, lambda: group_less_consumer(settings))
        return attach(
            self._broker,
            handlers={
                MESSAGES.name: Batch(
                    handler,
                    max_records=settings.max_coalesced,
                    settle=settings.settle,
                    alone=handler.alone,
                )
            },
            restore={MESSAGES.name: restorer},
            dead_letters=KafkaDeadLetters(self._producer.send_and_wait, dead_letters(SERVICE).name),
            group=GroupOptions(
                group_id=GROUP,
                auto_offset_reset=settings.kafka_auto_offset_reset,
                session_timeout=settings.kafka_session_timeout,
                rebalance_timeout=settings.kafka_rebalance_timeout,
            ),
            options=LaneOptions(
                service=SERVICE,
                concurrency=settings.concurrency,
                drain_budget=settings.drain_timeout,
            ),
            observer=observer,
        )

    async def _knowledge_problem(self) -> str | None:
        """Without a knowledge base a model still answers, though it says less: an outage is no
        reason to call it not ready, a wrong configuration is."""
        if self._gemini is not None:
            return await self._retriever.misconfigured()
        return await self._retriever.problem()
