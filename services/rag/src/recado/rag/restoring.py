"""Reads back from Kafka what is answered already, when a partition is assigned.

All conversation topics have equally many partitions and the same partitioner, so the answers to the
messages of partition 3 are in partition 3. They are read from a little before the time of the
oldest message that is not committed (both topics carry the broker's clock) up to the end that the
partition had when reading began. A crash after the answer was published and before the offset was
committed thus does not ask the model a second time.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from recado.rag.coverage import Coverage, PartitionCoverage
from recado.schemas.encoding import UndecodableEvent, UnknownEventType, decode
from recado.schemas.events import AnswerGenerated
from recado.schemas.topics import ANSWERS
from recado.servicekit.kafka import client_options
from recado.servicekit.settings import KafkaSettings
from recado_lanes import Record, Unavailable

MARGIN = timedelta(minutes=5)
POLL = timedelta(milliseconds=500)

log = structlog.stdlib.get_logger(__name__)


class Restorer:
    """The `restore` hook of the messages topic.

    `make_consumer` gives a consumer without a group, not yet started; one is used per partition
    that is restored, and closed. Raises `Unavailable` where Kafka can't be read: the partition
    waits, for to go on without knowing would be to answer twice.
    """

    def __init__(
        self,
        coverage: Coverage,
        make_consumer: Callable[[], AIOKafkaConsumer],
        topic: str = ANSWERS.name,
        margin: timedelta = MARGIN,
    ) -> None:
        self._coverage = coverage
        self._make_consumer = make_consumer
        self._topic = topic
        self._margin = margin

    async def __call__(self, first: Record) -> None:
        """Restore the partition of its first record."""
        partition = TopicPartition(self._topic, first.partition)
        since = first.timestamp - self._margin
        consumer = self._make_consumer()
        try:
            try:
                await consumer.start()
                restored = await self._read(consumer, partition, int(since.timestamp() * 1000))
            finally:
                await consumer.stop()
        except (KafkaError, OSError) as error:
            raise Unavailable(f"answers can't be read back: {type(error).__name__}") from error
        self._coverage.replace(first.partition, restored)
        log.info("rag.restored", partition=first.partition, messages=len(restored))

    async def _read(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, since_ms: int
    ) -> PartitionCoverage:
        restored = PartitionCoverage()
        consumer.assign([partition])
        found = (await consumer.offsets_for_times({partition: max(since_ms, 0)}))[partition]
        if found is None:
            return restored
        end = (await consumer.end_offsets([partition]))[partition]
        consumer.seek(partition, found.offset)
        while await consumer.position(partition) < end:
            polled = await consumer.getmany(partition, timeout_ms=int(POLL.total_seconds() * 1000))
            for raw in polled.get(partition, ()):
                answer = _answer_in(raw.headers, raw.value)
                if answer is not None:
                    restored.add(answer)
        return restored


def group_less_consumer(settings: KafkaSettings) -> AIOKafkaConsumer:
    """A consumer for `Restorer`: it is assigned what it reads, and commits nothing."""
    return AIOKafkaConsumer(
        **client_options(settings),
        client_id="recado-rag-restore",
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="none",
    )


def _answer_in(
    headers: Sequence[tuple[str, bytes | None]], value: bytes | None
) -> AnswerGenerated | None:
    try:
        event = decode([(name, content or b"") for name, content in headers], value or b"")
    except (UnknownEventType, UndecodableEvent):
        return None
    return event if isinstance(event, AnswerGenerated) else None
