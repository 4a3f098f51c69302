"""`recado dead-letters`: what a service gave up and why; sent back when the cause is mended.

A letter goes back to the topic and partition that it came from, with its key, its value and its
own headers, behind all that is there by now: it has lost its place in the order. At least once:
the letter is noted as sent back after Kafka has acknowledged the copy, so one that was sent when
the command died in between is offered again, as it is to two that redrive at the same time. A
copy is the same event by its id, and the services recognise one that they have done already.
What was noted is not offered again. How, see `recado.cli.letters`.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import JsonValue

from recado.cli.event_lines import one_line
from recado.cli.letters import (
    Cause,
    Letter,
    Letters,
    Plan,
    grouped,
    headers_sent_back,
    note_of,
    plan,
    sorted_out,
)
from recado.cli.output import AsJson, CliError, console, local_time, print_json, print_table, run
from recado.cli.reading import Stretch, merged, spans_of
from recado.cli.records import reader
from recado.cli.settings import CliSettings
from recado.schemas import topics
from recado.servicekit.kafka import PUBLISH_TIMEOUT, make_producer
from recado.servicekit.settings import KafkaSettings
from recado_lanes.kafka import to_record
from recado_lanes.record import Record

CONSUMERS = tuple(service for service in topics.SERVICES if service != "ingress")
FETCH_TIMEOUT = timedelta(seconds=30)
SHOWN_OF_MESSAGE = 200


def dead_letters(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(CONSUMERS)}.")],
    redrive: Annotated[
        bool, typer.Option("--redrive", help="Send them back to where they came from.")
    ] = False,
    dry_run: Annotated[
        bool | None,
        typer.Option("--dry-run/--no-dry-run", help="Only say what would be sent (default)."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="The same as --no-dry-run.")] = False,
    error: Annotated[
        str | None, typer.Option(help="Only with this error class, such as Permanent.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Send no more than so many.")] = 10,
    force: Annotated[
        bool, typer.Option("--force", help="Also what was sent back too often.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Dead letters by cause; with --redrive --yes they are handled once more."""
    if service not in CONSUMERS:
        raise CliError(
            f"{service!r} has no dead letters; one of {', '.join(CONSUMERS)} has.", exit_status=2
        )
    if yes and dry_run:
        raise CliError("Give one of --dry-run and --yes.", exit_status=2)
    really = yes or dry_run is False
    if really and not redrive:
        raise CliError("Without --redrive nothing is sent.", exit_status=2)
    topic = topics.dead_letters(service).name
    if redrive:
        planned = run(
            send_back(CliSettings(), topic, error=error, limit=limit, force=force, really=really)
        )
        show_plan(planned, really=really, as_json=as_json)
        return
    found = run(read(CliSettings(), topic))
    if error is not None:
        kept = tuple(one for one in found.letters if one.failed_with(error))
        found = replace(found, letters=kept)
    show_causes(topic, found, as_json=as_json)


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
        if not really or not planned.send:
            return planned
        producer = make_producer(settings, "cli")
        try:
            await producer.start()
            for number, letter in enumerate(planned.send):
                record = await _fetch(consumer, topic, letter)
                try:
                    await _send_one(producer, record, letter)
                except (KafkaError, TimeoutError) as failure:
                    raise CliError(
                        f"{number} sent back; Kafka did not acknowledge {letter.origin}: "
                        f"{type(failure).__name__}"
                    ) from failure
        finally:
            await producer.stop()
    return planned


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


def show_plan(planned: Plan, *, really: bool, as_json: bool) -> None:
    """What was sent back, or would be, and what was refused."""
    if as_json:
        print_json(
            {
                "dry_run": not really,
                "redriven": [_plain(letter) for letter in planned.send],
                "refused": [
                    {**_plain(letter), "reason": reason.value} for letter, reason in planned.refused
                ],
            }
        )
        return
    done = "sent back" if really else "would be sent back"
    rows = [(letter, f"{done}, time {letter.redriven + 1}") for letter in planned.send]
    rows += [(letter, f"refused: {reason.value}") for letter, reason in planned.refused]
    print_table(
        "Redrive" if really else "Redrive (dry run: nothing is sent; --yes sends)",
        ("dead since", "from", "error", "outcome"),
        [
            (local_time(letter.at), one_line(letter.origin), one_line(letter.error), outcome)
            for letter, outcome in rows
        ],
    )


def show_causes(topic: str, found: Letters, *, as_json: bool) -> None:
    """The letters by cause."""
    causes = grouped(found)
    if as_json:
        print_json({"causes": [_plain_cause(one) for one in causes], "others": found.others})
        return
    print_table(
        topic,
        ("waiting", "redriven", "first", "last", "topic", "error", "example"),
        [
            (
                str(one.waiting),
                str(one.redriven),
                local_time(one.first),
                local_time(one.last),
                one_line(one.topic),
                one_line(one.error),
                f"{one_line(one.example.origin)} {one_line(one.example.message)}"[
                    :SHOWN_OF_MESSAGE
                ],
            )
            for one in causes
        ],
    )
    if found.others:
        console.print(f"{found.others} records are no dead letters.")


def _plain_cause(cause: Cause) -> dict[str, JsonValue]:
    return {
        "error": cause.error,
        "topic": cause.topic,
        "waiting": cause.waiting,
        "redriven": cause.redriven,
        "first": cause.first.isoformat(),
        "last": cause.last.isoformat(),
        "example": _plain(cause.example),
    }


def _plain(letter: Letter) -> dict[str, JsonValue]:
    """Where the record came from, where the letter is, why, and how often it was sent back."""
    partition, offset = letter.place
    return {
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "error": letter.error,
        "message": letter.message,
        "redrive_count": letter.redriven,
        "at": letter.at.isoformat(),
        "dead_letter": {"partition": partition, "offset": offset},
    }
