"""`recado events`: what is in a topic, from a moment or an offset to its present end."""

import json
from collections import Counter, deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer

from recado.cli.event_lines import Wanted, as_json, counted_as, line
from recado.cli.moments import moment
from recado.cli.output import AsJson, CliError, console, print_json, print_table, run
from recado.cli.reading import Stretch, merged, partition_in, spans_of
from recado.cli.records import reader
from recado.cli.settings import CliSettings
from recado.schemas.encoding import TYPE_PREFIX
from recado.servicekit.settings import KafkaSettings
from recado_lanes.record import Record

SHOWN = 50

When = "ISO 8601, or how long ago: 90s, 2h, 1d12h. A time without a zone is local."


@dataclass(frozen=True, slots=True)
class Query:
    """What to read: a topic's stretch, and which of its records."""

    topic: str
    stretch: Stretch
    wanted: Wanted


def events(
    topic: Annotated[str, typer.Argument(help="With or without `recado.` in front.")],
    since: Annotated[str | None, typer.Option(help=f"From then on. {When}")] = None,
    until: Annotated[str | None, typer.Option(help=f"Before that. {When}")] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="This one only.")] = None,
    from_offset: Annotated[
        int | None, typer.Option(min=0, help="From there, with --partition; shows the first.")
    ] = None,
    conversation: Annotated[str | None, typer.Option(help="With this record key.")] = None,
    event_type: Annotated[
        str | None, typer.Option("--type", help="Such as message.received.")
    ] = None,
    trace: Annotated[str | None, typer.Option(help="With this trace id in traceparent.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help=f"How many of the last; {SHOWN}, or all with --export."),
    ] = None,
    count: Annotated[bool, typer.Option("--count", help="Only how many of each type.")] = False,
    text: Annotated[bool, typer.Option("--text", help="With what was written.")] = False,
    export: Annotated[Path | None, typer.Option(help="Write JSON Lines to this file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    as_json_: AsJson = False,
) -> None:
    """The events of a topic, in their order, merged by the records' time across partitions."""
    if from_offset is not None and partition is None:
        raise CliError("--from-offset needs --partition.", exit_status=2)
    if count and (export is not None or limit is not None):
        raise CliError("--count goes with neither --export nor --limit.", exit_status=2)
    now = datetime.now(UTC)
    wanted = Wanted(
        since=None if since is None else moment(since, now=now),
        until=None if until is None else moment(until, now=now),
        conversation=conversation,
        event_type=event_type,
        trace=trace,
    )
    if wanted.since is not None and wanted.until is not None and wanted.until <= wanted.since:
        raise CliError("--until is not after --since.", exit_status=2)
    name = topic_named(topic)
    if conversation is not None and partition is None:
        partition = partition_in(name, conversation)
    shown = limit if count or export is not None else limit or SHOWN
    only_the_last = wanted.everything and from_offset is None
    stretch = Stretch(
        since=wanted.since,
        until=wanted.until,
        partition=partition,
        from_offset=from_offset,
        last=shown if only_the_last else None,
    )
    query = Query(name, stretch, wanted)
    if count:
        show_counts(run(counts(CliSettings(), query)), query.topic, as_json=as_json_)
    elif export is not None:
        written = run(write(CliSettings(), query, shown, export, force=force))
        if as_json_:
            print_json({"file": str(export), "records": written})
        else:
            console.print(f"{written} records written to {export}", markup=False, soft_wrap=True)
    else:
        records = run(collect(CliSettings(), query, shown))
        if as_json_:
            print_json([as_json(record) for record in records])
            return
        for record in records:
            console.print(line(record, text=text), soft_wrap=True)


def topic_named(name: str) -> str:
    """The topic's whole name."""
    return name if name.startswith(TYPE_PREFIX) else f"{TYPE_PREFIX}{name}"


def show_counts(counted: Counter[str], topic: str, *, as_json: bool) -> None:
    """How many of each type, the most frequent first."""
    if as_json:
        print_json(dict(counted.most_common()))
        return
    rows = [(str(number), name) for name, number in counted.most_common()]
    print_table(topic, ("records", "type"), rows)


async def counts(settings: KafkaSettings, query: Query) -> Counter[str]:
    """How many records of each type."""
    return Counter([counted_as(record) async for record in found(settings, query)])


async def collect(settings: KafkaSettings, query: Query, limit: int | None) -> list[Record]:
    """The last records, or the first where an offset to begin from is given."""
    if query.stretch.from_offset is None:
        last: deque[Record] = deque(maxlen=limit)
        async for record in found(settings, query):
            last.append(record)
        return list(last)
    first: list[Record] = []
    async with aclosing(found(settings, query)) as records:
        async for record in records:
            first.append(record)
            if len(first) == limit:
                break
    return first


async def write(
    settings: KafkaSettings, query: Query, limit: int | None, file: Path, *, force: bool
) -> int:
    """Write records as JSON Lines; all of them are held in memory only where there is a limit."""
    written = 0
    with new_file(file, force=force) as stream:
        if limit is not None:
            for record in await collect(settings, query, limit):
                stream.write(json_line(record))
                written += 1
            return written
        async for record in found(settings, query):
            stream.write(json_line(record))
            written += 1
    return written


def json_line(record: Record) -> str:
    """A record as one line of a JSON Lines file."""
    return json.dumps(as_json(record), ensure_ascii=False) + "\n"


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[TextIO]:
    """A file to write, there only if all was written. Raises `CliError` if it exists already.

    With `force` the old one stays until the new one is whole.
    """
    part = path.with_name(f"{path.name}.part") if force else path
    try:
        stream = part.open("w" if force else "x", encoding="utf-8")
    except FileExistsError:
        raise CliError(f"{path} exists; --force replaces it.") from None
    except OSError as error:
        raise CliError(f"{path} can't be written: {error.strerror}") from error
    try:
        with stream:
            yield stream
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


async def found(settings: KafkaSettings, query: Query) -> AsyncGenerator[Record, None]:
    """The records that the query asks for, merged by time."""
    async with reader(settings, query.topic) as consumer:
        spans = await spans_of(consumer, query.topic, query.stretch)
        async for record in merged(consumer, spans):
            if query.wanted.takes(record):
                yield record
