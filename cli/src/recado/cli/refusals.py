"""What a service gave up since a moment: the dead letters behind an offset, by record key."""

from collections.abc import Mapping
from datetime import timedelta

from aiokafka import TopicPartition

from recado.cli.letters import letter_of
from recado.cli.records import POLL, end_offsets, reader
from recado.schemas.topics import MIB
from recado.servicekit.settings import KafkaSettings
from recado_lanes.kafka import to_record

Offsets = Mapping[TopicPartition, int]


async def letters_behind(settings: KafkaSettings, topic: str) -> Offsets:
    """Where a topic of dead letters ends now. Raises `CliError`."""
    return await end_offsets(settings, topic)


async def refusals(settings: KafkaSettings, topic: str, behind: Offsets) -> dict[bytes, str]:
    """What was said of each record that was given up since, by its key. Raises `CliError`."""
    found: dict[bytes, str] = {}
    async with reader(settings, topic, fetch_bytes=MIB) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        for partition in consumer.assignment():
            consumer.seek(partition, behind.get(partition, 0))
        left = {one for one, end in ends.items() if behind.get(one, 0) < end}
        while left:
            fetched = await consumer.getmany(timeout_ms=int(POLL / timedelta(milliseconds=1)))
            for records in fetched.values():
                for raw in records:
                    letter = letter_of(to_record(raw))
                    if letter is not None and raw.key is not None:
                        found[raw.key] = letter.message
            left = {one for one in left if await consumer.position(one) < ends[one]}
    return found
