"""The dispatcher's parts put together."""

import asyncio
import os
from contextlib import AsyncExitStack, suppress
from datetime import timedelta

import structlog
from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker

from recado.channels.integrations import load_integrations
from recado.channels.registry import CHANNELS
from recado.dispatcher.core import build
from recado.dispatcher.errors import StoreUnavailable
from recado.dispatcher.handlers import Handlers
from recado.dispatcher.senders import PooledSenders
from recado.dispatcher.settings import DispatcherSettings
from recado.dispatcher.store import MongoDocuments
from recado.schemas.topics import DELIVERIES, dead_letters
from recado.servicekit.consuming import LaneMetrics
from recado.servicekit.health import Health, HealthServer
from recado.servicekit.kafka import make_broker, make_producer
from recado.servicekit.publishing import LastingPublisher
from recado_lanes import LaneOptions, Lanes
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions, KafkaDeadLetters

log = structlog.stdlib.get_logger(__name__)

SERVICE = "dispatcher"
GROUP = "recado-dispatcher"
WRITES = (DELIVERIES, dead_letters(SERVICE))

RECORD_TIMEOUT = timedelta(minutes=30)
"""Longer than an answer's deadline: an answer that the platform does not take ends by that."""

TRANSIENT_ATTEMPTS = 1000
"""A platform that wants a pause is asked again until the answer's deadline."""

STORE_PAUSE = timedelta(seconds=2)


class App:
    """The dispatcher as a service: see `recado.servicekit.service.Service`."""

    def __init__(self, settings: DispatcherSettings) -> None:
        self._documents = MongoDocuments(
            settings.mongodb_url.get_secret_value(), settings.mongodb_database
        )
        self._senders = PooledSenders(
            load_integrations(settings.integrations_file, os.environ),
            CHANNELS,
            timeout=settings.send_timeout,
            connections=settings.send_connections,
        )
        self._broker = make_broker(settings, SERVICE)
        self._producer = make_producer(settings, SERVICE)
        metrics = LaneMetrics()
        self._publisher = LastingPublisher(settings, SERVICE)
        handlers = build(settings, self._documents, self._senders, self._publisher.publish)
        self._lanes = _attach(self._broker, self._producer, settings, handlers, metrics)
        health = Health({"kafka": metrics.problem, "mongodb": self._store_problem})
        self._health = HealthServer(health, settings.host, settings.port)
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._open = AsyncExitStack()

    async def start(self) -> None:
        """Open everything, then consume as soon as MongoDB is there."""
        self._open.callback(self._documents.close)
        self._open.push_async_callback(self._senders.close)
        await self._health.start()
        self._open.push_async_callback(self._health.stop)
        self._open.push_async_callback(self._publisher.close)
        self._open.push_async_callback(self._producer.stop)
        await self._producer.start()
        self._serving = asyncio.create_task(self._serve(), name="dispatcher")

    async def failed(self) -> BaseException:
        """Whatever ended the consumer."""
        if self._serving is not None:
            await asyncio.wait([self._serving])
            if not self._serving.cancelled() and (error := self._serving.exception()):
                return error
        return self._lanes.failure or RuntimeError("the consumer ended")

    async def stop(self) -> None:
        """Finish the answers in hand, commit, leave the group, close."""
        self._health.health.stopping = True
        self._stop.set()
        if self._serving is not None:
            await asyncio.gather(self._serving, return_exceptions=True)
        await self._open.aclose()

    async def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                await self._documents.ensure_indexes()
            except StoreUnavailable as error:
                log.warning("dispatcher.waits_for_mongodb", error=str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(STORE_PAUSE.total_seconds()):
                        await self._stop.wait()
            else:
                return await serve(self._broker, self._lanes, self._stop)
        return None

    async def _store_problem(self) -> str | None:
        try:
            await self._documents.ping()
        except StoreUnavailable as error:
            return str(error)
        return None


def _attach(
    broker: KafkaBroker,
    producer: AIOKafkaProducer,
    settings: DispatcherSettings,
    handlers: Handlers,
    metrics: LaneMetrics,
) -> Lanes:
    return attach(
        broker,
        handlers=handlers.by_topic(),
        dead_letters=KafkaDeadLetters(producer.send_and_wait, dead_letters(SERVICE).name),
        group=GroupOptions(
            group_id=GROUP,
            auto_offset_reset=settings.kafka_auto_offset_reset,
            session_timeout=settings.kafka_session_timeout,
            rebalance_timeout=settings.kafka_rebalance_timeout,
        ),
        options=LaneOptions(
            service=SERVICE,
            drain_budget=settings.drain_timeout,
            record_timeout=RECORD_TIMEOUT,
            transient_attempts=TRANSIENT_ATTEMPTS,
        ),
        observer=metrics,
    )
