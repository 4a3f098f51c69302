"""Reading topics from the command line: to their end, or from now on. No group, no commit."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from recado.cli.output import CliError
from recado.schemas.encoding import EncodingError, decode
from recado.schemas.events import Event
from recado.servicekit.kafka import MAX_REQUEST_BYTES, client_options
from recado.servicekit.settings import KafkaSettings
from recado.servicekit.topics import admin_client

POLL = timedelta(milliseconds=250)


@asynccontextmanager
async def reader(
    settings: KafkaSettings, *topics: str, fetch_bytes: int = MAX_REQUEST_BYTES
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of all partitions of the topics, at their beginning.

    It asks for up to `fetch_bytes` of a partition at once, and for one record in any case.
    """
    consumer: AIOKafkaConsumer | None = None
    try:
        # Asked first: a consumer waits 40 s for a topic that is not there.
        async with admin_client(settings) as admin:
            missing = set(topics) - set(await admin.list_topics())
        if missing:
            raise _no_topic(sorted(missing))
        consumer = AIOKafkaConsumer(
            *topics,
            **client_options(settings),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=fetch_bytes,
        )
        await consumer.start()
        yield consumer
    except (KafkaError, OSError) as error:
        raise CliError(f"Kafka can't be reached: {type(error).__name__}") from error
    finally:
        if consumer is not None:
            await consumer.stop()


def _no_topic(names: Iterable[str]) -> CliError:
    return CliError(f"There is no topic {', '.join(names)}; `recado topics apply` creates ours.")


async def read_to_end(settings: KafkaSettings, topic: str) -> AsyncIterator[Event]:
    """All events that are in the topic now, in order within each partition.

    Records that are no events are passed over.
    """
    async with reader(settings, topic) as consumer:
        ends = {
            partition: end
            for partition, end in (await consumer.end_offsets(consumer.assignment())).items()
            if end > 0
        }
        while ends:
            fetched = await consumer.getmany(timeout_ms=int(POLL / timedelta(milliseconds=1)))
            for records in fetched.values():
                for record in records:
                    try:
                        yield decode(record.headers, record.value or b"")
                    except EncodingError:
                        continue
            positions = {partition: await consumer.position(partition) for partition in ends}
            ends = {partition: end for partition, end in ends.items() if positions[partition] < end}


async def end_offsets(settings: KafkaSettings, topic: str) -> Mapping[TopicPartition, int]:
    """Where the topic ends now."""
    async with reader(settings, topic) as consumer:
        ends: Mapping[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
        return ends


async def handled_up_to(
    settings: KafkaSettings,
    group: str,
    ends: Mapping[TopicPartition, int],
    timeout: timedelta,
) -> AsyncIterator[int]:
    """Yield how many records the group still has before these offsets, until there are none.

    Raises `CliError` when it handles none for longer than `timeout`.
    """
    try:
        async with (
            asyncio.timeout(timeout.total_seconds()) as patience,
            admin_client(settings) as admin,
        ):
            before = -1
            while True:
                try:
                    committed = await admin.list_consumer_group_offsets(group)
                except KafkaError as error:
                    if not error.retriable:
                        raise
                    # A broker that is new has no coordinator for its first seconds.
                    await asyncio.sleep(POLL.total_seconds())
                    continue
                left = 0
                for partition, end in ends.items():
                    known = committed.get(partition)
                    left += max(0, end - max(known.offset if known else 0, 0))
                yield left
                if not left:
                    return
                if left != before:
                    before = left
                    now = asyncio.get_running_loop().time()
                    patience.reschedule(now + timeout.total_seconds())
                await asyncio.sleep(POLL.total_seconds())
    except TimeoutError:
        raise CliError(
            f"{group} has handled nothing for {timeout.total_seconds():.0f} s; is it running?"
        ) from None
    except (KafkaError, OSError) as error:
        raise CliError(f"Kafka can't be reached: {type(error).__name__}") from error
