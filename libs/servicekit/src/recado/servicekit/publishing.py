"""A publisher that outlives its connection.

aiokafka reconnects by itself, but for one case: after an error that it does not repeat, an
idempotent producer's sequence numbers have a gap, and Kafka takes nothing more of it there. A
broker that was restarted under load is enough. Then only another connection helps, and this
publisher makes one: the call that met the error raises `NotAcknowledged` as ever, and the caller's
next one finds the new connection.
"""

import asyncio

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from recado.schemas.events import Event
from recado.servicekit.kafka import (
    PUBLISH_TIMEOUT,
    NotAcknowledged,
    Publisher,
    make_event_producer,
)
from recado.servicekit.settings import KafkaSettings

log = structlog.stdlib.get_logger(__name__)


class LastingPublisher:
    """Promises what `Publisher` does, over connections of its own. Safe to call at once."""

    def __init__(self, settings: KafkaSettings, source: str) -> None:
        self._settings = settings
        self._source = source
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()
        self._attempts = 0
        self._failed: BaseException | None = None  # what the last attempt to connect ended with

    async def publish(self, *events: Event) -> None:
        """Write the events; return when Kafka has acknowledged all of them.

        Connects where there is no connection; calls that come meanwhile share what comes of it.
        Raises `NotAcknowledged`, also where Kafka can't be reached.
        """
        producer = await self._connected([event.type for event in events])
        try:
            await Publisher(producer, self._source).publish(*events)
        except NotAcknowledged as failure:
            if failure.lasts:
                await self._drop(producer)
            raise

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._producer is not None:
            await self._drop(self._producer)

    async def _connected(self, what: list[str]) -> AIOKafkaProducer:
        seen = self._attempts
        async with self._connecting:
            if self._producer is not None:
                return self._producer
            if self._failed is not None and self._attempts != seen:
                # It failed while we waited for it. Each trying again, one after another, would
                # have the last of many callers wait for minutes.
                raise NotAcknowledged(what, type(self._failed).__name__) from self._failed
            producer = make_event_producer(self._settings, self._source)
            try:
                async with asyncio.timeout(PUBLISH_TIMEOUT.total_seconds()):
                    await producer.start()
            except (TimeoutError, KafkaError, OSError) as error:
                self._attempts += 1
                self._failed = error
                await _stop(producer)
                raise NotAcknowledged(what, type(error).__name__) from error
            self._failed = None
            self._producer = producer
            return producer

    async def _drop(self, producer: AIOKafkaProducer) -> None:
        async with self._connecting:
            if self._producer is not producer:
                return  # somebody else was quicker
            self._producer = None
        log.warning("kafka.connection_dropped")
        await _stop(producer)


async def _stop(producer: AIOKafkaProducer) -> None:
    """Whatever comes of it, the producer sends nothing more afterwards, nor is it waited for."""
    try:
        await producer.stop()  # within `CLOSE_TIMEOUT`
    except (KafkaError, OSError) as error:
        log.warning("kafka.close_failed", error=type(error).__name__)
