"""The connection to Kafka, and events published with every acknowledgement awaited.

`make_broker` gives the FastStream broker that a service declares its subscribers on.
`Publisher` writes events, through a producer of `make_event_producer`. A call returns only when
Kafka has acknowledged every event of it (`acks=all`, idempotent producer), or raises
`NotAcknowledged`: then some of them may be in Kafka and the caller must have the whole repeated.
Events have derived ids, so a repeat is recognised.

aiokafka reconnects by itself, but for one case: after an error that it does not repeat (a record
that Kafka refused, a fenced producer) an idempotent producer's sequence numbers have a gap, and
Kafka takes nothing more of it for that partition. `NotAcknowledged.lasts` says so: then only a new
connection helps; `recado.servicekit.publishing` makes one.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Literal, TypeAlias
from uuid import UUID

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError, ProducerClosed
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from recado.schemas.encoding import EncodedEvent, Tombstone, encode
from recado.schemas.events import Event
from recado.schemas.topics import ALL_TOPICS
from recado.servicekit import metrics, tracing
from recado.servicekit.partitions import partition_of
from recado.servicekit.settings import KafkaSettings

MAX_REQUEST_BYTES = max(topic.max_record for topic in ALL_TOPICS) + 1024 * 1024
PUBLISH_TIMEOUT = timedelta(seconds=10)
CLOSE_TIMEOUT = timedelta(seconds=5)
ABANDON_TIMEOUT = timedelta(seconds=1)
"""Of `CLOSE_TIMEOUT`, to let go of what Kafka did not acknowledge."""
COMPRESSION: Literal["lz4"] = "lz4"

GATHERED_BATCH_BYTES = 256 * 1024
"""Of a batch of several records. Well below what the smallest topic takes (1 MiB)."""

log = structlog.stdlib.get_logger(__name__)

Late: TypeAlias = Mapping[UUID, "asyncio.Future[None]"]
"""What becomes of events that were given up, by their ids. A future ends when Kafka acknowledges
the event after all, and is cancelled when that is not to be expected, or nobody will know."""

_NOTHING_LATE: Late = MappingProxyType({})


class NotAcknowledged(Exception):
    """Kafka did not acknowledge in time. The events may or may not be there: publish them again."""

    def __init__(
        self,
        topics: Sequence[str],
        cause: str,
        *,
        late: Late = _NOTHING_LATE,
        silent: bool = False,
    ) -> None:
        super().__init__(f"Kafka did not acknowledge {', '.join(topics)}: {cause}")
        self.topics = tuple(topics)
        self.late = late
        self.silent = silent
        """The time-out passed, and through this connection Kafka acknowledged nothing meanwhile,
        of these events or any others. Only a `GatheringWriter` says so."""

    @property
    def lasts(self) -> bool:
        """Whether this connection won't do for the topic any more, however often it is tried."""
        cause = self.__cause__
        return (
            isinstance(cause, KafkaError)
            and not cause.retriable
            and not isinstance(cause, KafkaTimeoutError)
        )


def make_broker(settings: KafkaSettings, service: str) -> KafkaBroker:
    """A FastStream broker, not yet connected. Topics are never created by accident."""
    return KafkaBroker(
        settings.kafka_bootstrap_servers,
        client_id=f"recado-{service}",
        acks="all",
        enable_idempotence=True,
        compression_type=COMPRESSION,
        max_request_size=MAX_REQUEST_BYTES,
        allow_auto_create_topics=False,
        request_timeout_ms=10_000,
        security=security(settings),
        logger=None,
    )


def security(settings: KafkaSettings) -> BaseSecurity | None:
    """What FastStream needs to secure its connections."""
    protocol = settings.kafka_security_protocol
    context = ssl.create_default_context() if protocol.endswith("SSL") else None
    if protocol == "PLAINTEXT":
        return None
    if protocol == "SSL":
        return BaseSecurity(ssl_context=context, use_ssl=True)
    kind = {
        "PLAIN": SASLPlaintext,
        "SCRAM-SHA-256": SASLScram256,
        "SCRAM-SHA-512": SASLScram512,
    }[settings.kafka_sasl_mechanism]
    return kind(
        username=settings.kafka_username or "",
        password=settings.kafka_password.get_secret_value() if settings.kafka_password else "",
        ssl_context=context,
        use_ssl=context is not None,
    )


def client_options(settings: KafkaSettings) -> dict[str, object]:
    """The same connection for clients made with aiokafka itself."""
    options: dict[str, object] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.endswith("SSL"):
        options["ssl_context"] = ssl.create_default_context()
    if settings.kafka_security_protocol.startswith("SASL"):
        password = settings.kafka_password
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": password.get_secret_value() if password else None,
        }
    return options


class Publisher:
    """Writes events to their topics, through a started producer (`make_event_producer`)."""

    def __init__(
        self, producer: AIOKafkaProducer, source: str, timeout: timedelta = PUBLISH_TIMEOUT
    ) -> None:
        self._producer = producer
        self._source = source
        self._timeout = timeout

    async def publish(self, *events: Event) -> None:
        """Write the events; return when Kafka has acknowledged all of them.

        Events with one key arrive in the order given. The current span goes along. Raises
        `NotAcknowledged`.
        """
        traceparent = tracing.traceparent()
        await self.publish_encoded(
            [encode(event, source=self._source, traceparent=traceparent) for event in events]
        )

    async def publish_encoded(self, records: Sequence[EncodedEvent | Tombstone]) -> None:
        """Write records that are encoded already. Promises what `publish` does."""
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                acknowledgements = [await self._send(record) for record in records]
                await asyncio.gather(*acknowledgements)
        except (TimeoutError, KafkaError, OSError) as error:
            topics = sorted({record.topic for record in records})
            for topic in topics:
                metrics.PUBLISH_FAILURES.labels(topic).inc()
            raise NotAcknowledged(topics, type(error).__name__) from error
        for record in records:
            name = dict(record.headers).get("ce_type", b"").decode()
            metrics.EVENTS_PUBLISHED.labels(record.topic, name).inc()

    async def _send(self, record: EncodedEvent | Tombstone) -> "asyncio.Future[object]":
        future: asyncio.Future[object] = await self._producer.send(
            record.topic,
            record.value,
            key=record.key,
            partition=_partition(record),
            headers=list(record.headers),
        )
        return future


def _partition(record: EncodedEvent | Tombstone) -> int | None:
    """As Kafka's default partitioner would choose for `partition_key`; None: let it choose."""
    if record.partition_key is None:
        return None
    (partitions,) = (one.partitions for one in ALL_TOPICS if one.name == record.topic)
    return partition_of(record.partition_key, partitions)


class BoundedProducer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka is untyped
    """A producer whose `stop` ends also while Kafka is away.

    aiokafka's own waits until all that it holds is acknowledged, however long that takes. What is
    given up was never acknowledged, so whoever wrote it does so again; and nothing of it is sent
    after `stop`, when that may be in Kafka already.
    """

    async def stop(self) -> None:
        """Close the connection, within `CLOSE_TIMEOUT`."""
        try:
            async with asyncio.timeout((CLOSE_TIMEOUT - ABANDON_TIMEOUT).total_seconds()):
                await super().stop()
        except TimeoutError:
            log.warning("kafka.closed_unacknowledged")
            await self._abandon()

    async def _abandon(self) -> None:
        # Interrupted in its wait, aiokafka's `stop` has closed nothing, and never will.
        try:
            async with asyncio.timeout(ABANDON_TIMEOUT.total_seconds()):
                await self._sender.close()
        except (TimeoutError, KafkaError) as error:
            log.warning("kafka.close_failed", error=type(error).__name__)
        finally:
            await self.client.close()
            held = self._message_accumulator
            # Where a batch ends that was to be sent again, aiokafka looks for it among these.
            held._pending_batches.update(*held._batches.values())
            held.fail_all(ProducerClosed())


def make_producer(settings: KafkaSettings, service: str) -> AIOKafkaProducer:
    """A plain producer, not yet started: for records that must go as they are (dead letters)."""
    return _producer(settings, f"{service}-dead-letters")


def make_event_producer(settings: KafkaSettings, service: str) -> AIOKafkaProducer:
    """The producer of a `Publisher`, not yet started. It repeats a request after 10 s."""
    return _producer(settings, service, request_timeout_ms=10_000)


def make_batching_producer(settings: KafkaSettings, service: str) -> AIOKafkaProducer:
    """The producer of a `GatheringWriter`, not yet started. It repeats a request after 10 s."""
    return _producer(
        settings, service, max_batch_size=GATHERED_BATCH_BYTES, request_timeout_ms=10_000
    )


def _producer(settings: KafkaSettings, name: str, **options: int) -> AIOKafkaProducer:
    return BoundedProducer(
        **client_options(settings),
        **options,
        client_id=f"recado-{name}",
        acks="all",
        enable_idempotence=True,
        compression_type=COMPRESSION,
        max_request_size=MAX_REQUEST_BYTES,
    )
