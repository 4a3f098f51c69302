"""The dispatcher's parts put together."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from time import monotonic, time

import structlog
from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker

from recado.channels.accounts import Accounts
from recado.channels.registry import CHANNELS
from recado.channels.watching import IntegrationsFile
from recado.dispatcher.attending import Attention
from recado.dispatcher.closing import Closing
from recado.dispatcher.core import build, now
from recado.dispatcher.errors import StoreUnavailable
from recado.dispatcher.gathered import GatheredDocuments
from recado.dispatcher.handlers import READS, Handlers
from recado.dispatcher.observing import DispatcherMetrics
from recado.dispatcher.senders import PooledSenders
from recado.dispatcher.settings import DispatcherSettings
from recado.dispatcher.stopped import Stopped
from recado.dispatcher.store import CONNECTIONS, MongoDocuments
from recado.dispatcher.throttling import Throttle
from recado.schemas.deliveries import LONGEST_TO_DELIVER
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered
from recado.schemas.topics import ANSWERS, DELIVERIES, dead_letters
from recado.servicekit.accounts import tell_of_version
from recado.servicekit.consumer import ConsumerService
from recado.servicekit.consuming import LaneMetrics
from recado.servicekit.exposition import exposition
from recado.servicekit.kafka import make_broker, make_producer
from recado.servicekit.publishing import LastingPublisher
from recado_lanes import LaneOptions, Lanes
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions, KafkaDeadLetters

log = structlog.stdlib.get_logger(__name__)

SERVICE = "dispatcher"
GROUP = "recado-dispatcher"
WRITES = (DELIVERIES, dead_letters(SERVICE))

RECORD_TIMEOUT = LONGEST_TO_DELIVER + timedelta(minutes=5)
"""Longer than an answer's deadline: an answer that the platform does not take ends by that."""

TRANSIENT_ATTEMPTS = 10_000
"""Time ends the attempts, not their number: this is more than `RECORD_TIMEOUT` has room for."""

LONGEST_PROBE = timedelta(seconds=5)
"""What waits alone goes on so soon after a mended token. It asks nobody outside this process."""

JITTER = timedelta(milliseconds=500)
"""The dispatcher says how long each wait is (`waits`); lanes waits so much longer at most."""


class App(ConsumerService):
    """The dispatcher as a service."""

    def __init__(self, settings: DispatcherSettings) -> None:
        """Raises `InvalidIntegrations`."""
        self._documents = MongoDocuments(
            settings.mongodb_url.get_secret_value(),
            settings.mongodb_database,
            # A key asks one thing at a time; what is cancelled may still be under way beside it.
            connections=max(CONNECTIONS, 2 * settings.concurrency),
        )
        self._senders = PooledSenders(
            CHANNELS,
            timeout=settings.send_timeout,
            connecting=settings.timing().connecting,
            connections=settings.sending,  # a send never waits for another's
        )
        self._stopped = Stopped(monotonic)
        self._accounts = Accounts(
            IntegrationsFile(
                settings.integrations_file, os.environ, interval=settings.integrations_interval
            ),
            (self._senders.replace, self._stopped.configured),
            tell_of_version,
        )
        self._broker = make_broker(settings, SERVICE)
        self._producer = make_producer(settings, SERVICE)
        throttle = Throttle(self._senders.limits, monotonic, zero=monotonic() - time())
        self._closing = Closing(self._documents, now, after=settings.conversation_closes_after)
        self._publisher = LastingPublisher(settings, SERVICE)
        self._gathered = GatheredDocuments(self._documents)
        self._attention = Attention(self._senders, self._gathered, now, typing=settings.typing)
        metrics = DispatcherMetrics(throttle, self._attention)
        handlers = build(
            settings,
            self._gathered,
            self._senders,
            self._publisher.publish,
            throttle,
            self._stopped,
            self._attention,
        )
        self._lanes = _attach(self._broker, self._producer, settings, handlers, metrics)
        metrics.watch(self._lanes)
        exposed = exposition(
            SERVICE,
            reads=READS,
            publishes=(AnswerDelivered, AnswerNotDelivered),
            platforms=tuple(CHANNELS),
        )
        super().__init__(
            settings,
            metrics,
            {"mongodb": self._store_problem},
            exposed,
            warnings={
                "integrations": self._accounts.warning,
                "platforms": self._stopped.warning,
            },
        )

    async def open_parts(self, parts: AsyncExitStack) -> None:
        """Follow the integrations file; connections are made when they are needed."""
        parts.callback(self._documents.close)
        parts.push_async_callback(self._gathered.close)
        parts.push_async_callback(self._senders.close)
        parts.push_async_callback(self._attention.close)
        parts.push_async_callback(self._publisher.close)
        await self._senders.warm_up()
        self.beside(self._accounts.run(), "integrations")
        self.beside(self._closing.run(), "closing")

    async def consume(
        self, parts: AsyncExitStack, until: asyncio.Event, at_once: asyncio.Event
    ) -> None:
        """Send answers and record events, as soon as MongoDB is there."""
        parts.push_async_callback(self._producer.stop)
        await self._producer.start()
        while not until.is_set():
            try:
                await self._documents.prepare()
            except StoreUnavailable as error:
                log.warning("dispatcher.waits_for_mongodb", error=str(error))
                await self.pause()
            else:
                return await serve(self._broker, self._lanes, until, at_once=at_once)
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
        ceilings=ceilings(settings),
        dead_letters=KafkaDeadLetters(producer.send_and_wait, dead_letters(SERVICE).name),
        group=GroupOptions(
            group_id=GROUP,
            auto_offset_reset=settings.kafka_auto_offset_reset,
            session_timeout=settings.kafka_session_timeout,
            rebalance_timeout=settings.kafka_rebalance_timeout,
        ),
        options=options(settings),
        observer=metrics,
    )


def options(settings: DispatcherSettings) -> LaneOptions:
    """How the dispatcher wants its lanes."""
    return LaneOptions(
        service=SERVICE,
        concurrency=settings.concurrency,
        drain_budget=settings.drain_timeout,
        record_timeout=RECORD_TIMEOUT,
        transient_attempts=TRANSIENT_ATTEMPTS,
        backoff_initial=JITTER,
        backoff_max=JITTER,
        probe_max=LONGEST_PROBE,
    )


def ceilings(settings: DispatcherSettings) -> Mapping[str, int]:
    """How many keys of a topic are worked on at once, where that is not what all topics may.

    A platform that hangs may fill all the slots that sends have. The reports that say what did
    arrive must not wait behind them: answers would be sent again that customers have.
    """
    return {ANSWERS.name: settings.sending}
