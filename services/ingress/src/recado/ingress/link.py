"""The connection to Kafka: made, watched and made anew, whatever happens to Kafka.

Ingress starts without Kafka, answers 503 while it is away and 200 when it is back; no restart is
needed. aiokafka reconnects by itself, but for one case: after an error that it does not repeat
(a fenced producer, a record that Kafka refused) the sequence numbers of an idempotent producer have
a gap, and every later publish to that partition fails. Then the whole connection is replaced, and
what becomes of events that were given up is not known any more.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from recado.ingress.errors import KafkaAway
from recado.ingress.outbox import Outbox
from recado.schemas.encoding import EncodedEvent
from recado.schemas.topics import MESSAGES, STATUSES, WEBHOOKS
from recado.servicekit.gathering import GatheringWriter
from recado.servicekit.kafka import NotAcknowledged, make_batching_producer
from recado.servicekit.settings import KafkaSettings

log = structlog.stdlib.get_logger(__name__)

SERVICE = "ingress"
CONNECT_TIMEOUT = timedelta(seconds=10)
PROBE_TIMEOUT = timedelta(seconds=2)
STALE_AFTER = timedelta(seconds=15)
"""Kafka counts as reachable if it was heard of so lately."""
QUIET = timedelta(seconds=5)
"""Without an acknowledgement for so long, Kafka is asked."""


@dataclass(frozen=True, slots=True)
class _Connection:
    producer: AIOKafkaProducer
    writer: GatheringWriter


class KafkaLink:
    """Owns the connection. `run` keeps the outbox open while Kafka answers."""

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        max_waiting: int,
        failures_until_shut: int,
        publish_timeout: timedelta,
        probe_interval: timedelta,
    ) -> None:
        self._settings = settings
        self._publish_timeout = publish_timeout
        self._probe_interval = probe_interval.total_seconds()
        self._connection: _Connection | None = None
        self._broken = False
        self._heard_at = float("-inf")
        self.outbox = Outbox(
            self._write, max_waiting=max_waiting, failures_until_shut=failures_until_shut
        )

    async def run(self) -> None:
        """Connect, look after the connection, replace it when it is broken. Until cancelled."""
        while True:
            if self._broken:
                self.outbox.shut()
                log.error("kafka.connection_replaced")
                await self.close()
            if self._connection is None:
                await self._connect()
            elif not self.outbox.is_open or self._silence() > QUIET.total_seconds():
                await self._probe(self._connection.producer)
            await asyncio.sleep(self._probe_interval)

    async def problem(self) -> str | None:
        """Why Kafka can't be written to now, for readiness."""
        if self._connection is None:
            return "not connected"
        # Ready also while a try is due: without requests there would never be one.
        if self.outbox.is_shut:
            return "does not acknowledge"
        return "not heard of lately" if self._silence() > STALE_AFTER.total_seconds() else None

    async def close(self) -> None:
        """Close the connection. What it still holds is given some seconds to be acknowledged."""
        self.outbox.shut()
        connection, self._connection = self._connection, None
        self._broken = False
        if connection is not None:
            await connection.writer.close()
            await _stop(connection.producer)
            connection.writer.forget()

    async def _write(self, records: Sequence[EncodedEvent]) -> None:
        connection = self._connection
        if connection is None:
            raise KafkaAway("the event log is away")
        try:
            await connection.writer.write(records)
        except NotAcknowledged as failure:
            cause = failure.__cause__
            log.warning("kafka.not_acknowledged", topics=failure.topics, error=repr(cause))
            if connection is self._connection and failure.lasts:
                self._broken = True
                self.outbox.shut()
            raise KafkaAway(
                "the event log did not acknowledge", late=failure.late, silent=failure.silent
            ) from failure
        self._heard_at = monotonic()

    async def _connect(self) -> None:
        # aiokafka's own start complains loudly, so it is not tried in vain.
        if not await _somebody_listens(self._settings.kafka_bootstrap_servers):
            return
        producer = make_batching_producer(self._settings, SERVICE)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT.total_seconds()):
                await producer.start()
                partitions = {
                    topic.name: len(await producer.partitions_for(topic.name))
                    for topic in (WEBHOOKS, MESSAGES, STATUSES)
                }
        except (TimeoutError, KafkaError, OSError) as error:
            log.warning("kafka.connect_failed", error=type(error).__name__)
            await _stop(producer)
            return
        writer = GatheringWriter(producer, partitions=partitions, timeout=self._publish_timeout)
        self._connection = _Connection(producer, writer)
        self._heard_at = monotonic()
        log.info("kafka.connected")
        self.outbox.open()

    async def _probe(self, producer: AIOKafkaProducer) -> None:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT.total_seconds()):
                answers = await producer.client.force_metadata_update()
        except (TimeoutError, KafkaError, OSError):
            return
        if answers:
            self._heard_at = monotonic()
            if not self.outbox.is_open and not self._broken:
                log.info("kafka.answers_again")
                self.outbox.try_again()

    def _silence(self) -> float:
        return monotonic() - self._heard_at


async def _stop(producer: AIOKafkaProducer) -> None:
    try:
        await producer.stop()
    except (KafkaError, OSError) as error:
        log.warning("kafka.close_failed", error=type(error).__name__)


async def _somebody_listens(addresses: str) -> bool:
    for address in addresses.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            async with asyncio.timeout(PROBE_TIMEOUT.total_seconds()):
                _reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except (TimeoutError, OSError, ValueError):
            continue
        writer.close()
        return True
    return False
