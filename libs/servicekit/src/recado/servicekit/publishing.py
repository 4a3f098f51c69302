"""A publisher that outlives its connection.

aiokafka reconnects by itself, but for one case: after an error that it does not repeat, an
idempotent producer's sequence numbers have a gap, and Kafka takes nothing more of it there. A
broker that was restarted under load is enough. Then only another connection helps, and this
publisher makes one: the call that met the error raises `NotAcknowledged` as ever, and the caller's
next one finds the new connection.
"""

import asyncio

import structlog
from aiokafka.errors import KafkaError
from faststream.exceptions import FastStreamException
from faststream.kafka import KafkaBroker

from recado.schemas.events import Event
from recado.servicekit.kafka import (
    CLOSE_TIMEOUT,
    PUBLISH_TIMEOUT,
    NotAcknowledged,
    Publisher,
    make_broker,
)
from recado.servicekit.settings import KafkaSettings

log = structlog.stdlib.get_logger(__name__)


class LastingPublisher:
    """Promises what `Publisher` does, over connections of its own. Safe to call at once."""

    def __init__(self, settings: KafkaSettings, source: str) -> None:
        self._settings = settings
        self._source = source
        self._broker: KafkaBroker | None = None
        self._connecting = asyncio.Lock()
        self._attempts = 0
        self._failed: BaseException | None = None  # what the last attempt to connect ended with

    async def publish(self, *events: Event) -> None:
        """Write the events; return when Kafka has acknowledged all of them.

        Connects where there is no connection; calls that come meanwhile share what comes of it.
        Raises `NotAcknowledged`, also where Kafka can't be reached.
        """
        broker = await self._connected([event.type for event in events])
        try:
            await Publisher(broker, self._source).publish(*events)
        except NotAcknowledged as failure:
            if failure.lasts:
                await self._drop(broker)
            raise
        except FastStreamException as error:  # another call dropped the connection meanwhile
            raise NotAcknowledged([event.type for event in events], "reconnecting") from error

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._broker is not None:
            await self._drop(self._broker)

    async def _connected(self, what: list[str]) -> KafkaBroker:
        seen = self._attempts
        async with self._connecting:
            if self._broker is not None:
                return self._broker
            if self._failed is not None and self._attempts != seen:
                # It failed while we waited for it. Each trying again, one after another, would
                # have the last of many callers wait for minutes.
                raise NotAcknowledged(what, type(self._failed).__name__) from self._failed
            broker = make_broker(self._settings, self._source)
            try:
                async with asyncio.timeout(PUBLISH_TIMEOUT.total_seconds()):
                    await broker.start()
            except (TimeoutError, KafkaError, OSError) as error:
                self._attempts += 1
                self._failed = error
                await _stop(broker)
                raise NotAcknowledged(what, type(error).__name__) from error
            self._failed = None
            self._broker = broker
            return broker

    async def _drop(self, broker: KafkaBroker) -> None:
        async with self._connecting:
            if self._broker is not broker:
                return  # somebody else was quicker
            self._broker = None
        log.warning("kafka.connection_dropped")
        await _stop(broker)


async def _stop(broker: KafkaBroker) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT.total_seconds()):
            await broker.stop()
    except (TimeoutError, KafkaError, OSError) as error:
        log.warning("kafka.close_failed", error=type(error).__name__)
