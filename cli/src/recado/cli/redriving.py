"""Dead letters read, written to a file to be mended, and sent back to where they came from.

A letter goes back to the topic and partition that it came from, with its key, its value and its
own headers, behind all that is there by now: it has lost its place in the order. At least once:
the letter is noted as sent back after Kafka has acknowledged the copy, so one that was sent when
the command died in between is offered again, as it is to two that redrive at the same time. A
copy is the same event by its id, and the services recognise one that they have done already.
What was noted is not offered again. How, see `recado.cli.letters`; mending, `recado.cli.mending`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from recado.cli.events import new_file
from recado.cli.letters import (
    Letter,
    Letters,
    Place,
    Plan,
    headers_sent_back,
    note_of,
    plan,
    sorted_out,
)
from recado.cli.mending import Mended, NotMended, as_line, mended_in, plan_mended
from recado.cli.output import CliError
from recado.cli.reading import Stretch, merged, spans_of
from recado.cli.records import reader
from recado.servicekit.kafka import PUBLISH_TIMEOUT, make_producer
from recado.servicekit.settings import KafkaSettings
from recado_lanes.kafka import to_record
from recado_lanes.record import Record

FETCH_TIMEOUT = timedelta(seconds=30)


async def read(settings: KafkaSettings, topic: str) -> Letters:
    """All letters of a topic."""
    async with reader(settings, topic) as consumer:
        return await _letters(consumer, topic)


async def _letters(consumer: AIOKafkaConsumer, topic: str) -> Letters:
    spans = await spans_of(consumer, topic, Stretch())
    # Values may be large and are not needed to tell what there is.
    records = [replace(record, value=None) async for record in merged(consumer, spans)]
    return sorted_out(records)


async def send_back(
    settings: KafkaSettings,
    topic: str,
    *,
    error: str | None,
    limit: int,
    force: bool,
    really: bool,
) -> Plan:
    """Send letters back, one after the other, each noted before the next is sent.

    Without `really` nothing is sent. Returns what was planned. Raises `CliError` at the first
    that Kafka does not take; those before it are sent and noted.
    """
    async with reader(settings, topic) as consumer:
        planned = plan(await _letters(consumer, topic), limit=limit, error=error, force=force)
        if really:
            await _send(settings, consumer, topic, planned, {})
    return planned


async def send_back_mended(
    settings: KafkaSettings, topic: str, lines: Sequence[str], *, force: bool, really: bool
) -> Plan:
    """Send the letters in a file's lines as they were mended there; promises what `send_back` does.

    Raises `CliError` for a file that is not of this topic's waiting letters; then none is sent.
    """
    try:
        mended = mended_in(lines, topic)
    except NotMended as error:
        raise CliError(f"Nothing is sent: {error}.") from None
    async with reader(settings, topic) as consumer:
        found = await _letters(consumer, topic)
        wanted = [letter for letter in found.letters if letter.place in mended]
        records = [await _fetch(consumer, topic, letter) for letter in wanted]
        try:
            planned = plan_mended(found, records, mended, force=force)
        except NotMended as error:
            raise CliError(f"Nothing is sent: {error}.") from None
        if really:
            await _send(settings, consumer, topic, planned, mended)
    return planned


async def export(
    settings: KafkaSettings, topic: str, file: Path, *, error: str | None, force: bool
) -> int:
    """Write the letters that wait to a file to be mended; how many. Raises `CliError`."""
    async with reader(settings, topic) as consumer:
        found = await _letters(consumer, topic)
        wanted = [one for one in found.waiting() if error is None or one.failed_with(error)]
        with new_file(file, force=force) as stream:
            for letter in wanted:
                stream.write(as_line(await _fetch(consumer, topic, letter)))
    return len(wanted)


async def _send(
    settings: KafkaSettings,
    consumer: AIOKafkaConsumer,
    topic: str,
    planned: Plan,
    mended: Mapping[Place, Mended],
) -> None:
    if not planned.send:
        return
    producer = make_producer(settings, "cli")
    try:
        await producer.start()
        for number, letter in enumerate(planned.send):
            record = await _fetch(consumer, topic, letter)
            if (instead := mended.get(letter.place)) is not None:
                record = replace(record, headers=instead.headers, value=instead.value)
            try:
                await _send_one(producer, record, letter)
            except (KafkaError, TimeoutError) as failure:
                raise CliError(
                    f"{number} sent back; Kafka did not acknowledge {letter.origin}: "
                    f"{type(failure).__name__}"
                ) from failure
    finally:
        await producer.stop()


async def _fetch(consumer: AIOKafkaConsumer, topic: str, letter: Letter) -> Record:
    """A letter's record, whole."""
    number, offset = letter.place
    partition = TopicPartition(topic, number)
    consumer.resume(partition)
    consumer.seek(partition, offset)
    try:
        async with asyncio.timeout(FETCH_TIMEOUT.total_seconds()):
            record = to_record(await consumer.getone(partition))
    except TimeoutError:
        raise CliError(f"Kafka does not give the dead letter of {letter.origin}.") from None
    if record.offset != offset:
        raise CliError(f"The dead letter of {letter.origin} is gone: it was kept long enough.")
    return record


async def _send_one(producer: AIOKafkaProducer, record: Record, letter: Letter) -> None:
    """The copy, acknowledged, then the note, acknowledged."""
    async with asyncio.timeout(PUBLISH_TIMEOUT.total_seconds()):
        await producer.send_and_wait(
            letter.topic,
            value=record.value,
            key=record.key,
            partition=letter.partition,
            headers=list(headers_sent_back(record.headers, letter)),
        )
        await producer.send_and_wait(
            record.topic, value=b"", partition=record.partition, headers=list(note_of(letter))
        )
