"""`recado timeline`: what happened to a message or in a conversation, step by step."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer
from pydantic import JsonValue
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from recado.cli.event_lines import as_json, one_line
from recado.cli.finding import Asked, Found, find
from recado.cli.moments import moment
from recado.cli.output import AsJson, CliError, console, print_json, run
from recado.cli.settings import CliSettings
from recado.cli.story import Step, between, story_of
from recado.cli.texts import duration, shortened
from recado.schemas.topics import WEBHOOKS

WINDOW = timedelta(days=7)
LIMIT = 20
SHOWN = 160
"""Characters of what was written, unless it is asked for whole."""

When = "ISO 8601, or how long ago: 90s, 2h, 1d12h."


def timeline(
    name: Annotated[
        str,
        typer.Argument(
            metavar="CONVERSATION|MESSAGE",
            help="A conversation's key; or the id of a message, answer or webhook, or the "
            "platform's of a message.",
        ),
    ],
    since: Annotated[
        str | None, typer.Option(help=f"Recorded from then on; default: 7d. {When}")
    ] = None,
    until: Annotated[str | None, typer.Option(help=f"Recorded before that. {When}")] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="How many of a conversation's last messages.")
    ] = LIMIT,
    full: Annotated[
        bool, typer.Option("--full", help="Texts whole; with --json the webhooks' payloads, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Webhook, message, retrieval, answer, delivery and statuses, with the time of each."""
    now = datetime.now(UTC)
    asked = Asked(
        name=name,
        since=now - WINDOW if since is None else moment(since, now=now),
        until=None if until is None else moment(until, now=now),
        limit=limit,
    )
    if asked.until is not None and asked.until <= asked.since:
        raise CliError("--until is not after --since.", exit_status=2)
    stories = [(found, story_of(found.records)) for found in run(find(CliSettings(), asked))]
    if as_json:
        print_json([_plain(found, steps, full=full) for found, steps in stories])
        return
    for found, steps in stories:
        show(found, steps, console, full=full)


def show(found: Found, steps: Sequence[Step], screen: Console, *, full: bool) -> None:
    """The steps below each other: when, how long after the first and the one before, what."""
    zone = steps[0].at.astimezone()
    title = Text.assemble(
        (one_line(found.conversation or "no conversation"), "bold cyan"),
        (f"  {zone:%Y-%m-%d}, {zone:%Z}", "dim"),
    )
    if found.earlier:
        title.append(f"  ({found.earlier} earlier messages left out)", style="yellow")
    table = Table(
        header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, expand=True
    )
    table.add_column("time", no_wrap=True, style="dim")
    table.add_column("from\nstart", no_wrap=True, justify="right")
    table.add_column("since\nlast", no_wrap=True, justify="right")
    table.add_column("step", overflow="fold", ratio=1)
    day = zone.date()
    numbers = _numbers(steps)
    for step, (offset, since) in zip(steps, between(steps), strict=True):
        at = step.at.astimezone()
        clock = f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"
        if at.date() != day:
            day = at.date()
            clock = f"{day:%Y-%m-%d}\n{clock}"
        table.add_row(
            clock,
            duration(offset),
            "" if since is None else duration(since),
            _told(step, numbers, full=full),
        )
    screen.print(title, soft_wrap=True)
    screen.print(table)


def _numbers(steps: Sequence[Step]) -> dict[UUID, int]:
    """The messages, counted: they overlap, and a step says which it is about. One needs none."""
    messages = list(dict.fromkeys(step.message_ids[0] for step in steps if step.name == "message"))
    if len(messages) < 2:
        return {}
    return {message: number for number, message in enumerate(messages, start=1)}


def _told(step: Step, numbers: Mapping[UUID, int], *, full: bool) -> Text:
    style = "bold red" if step.failed else "bold"
    about = " ".join(f"#{numbers[one]}" for one in step.message_ids if one in numbers)
    head = Text.assemble(
        (step.name, style), " ", (f"{about} ", "cyan") if about else "", " ", one_line(step.facts)
    )
    if step.took is not None:
        head.append(f", took {duration(step.took)}", style="dim")
    lines = [head]
    if step.text is not None:
        said = shortened(step.text, None) if full else shortened(one_line(step.text), SHOWN)
        lines.append(Text(said, style="green" if step.name == "message" else ""))
    lines += [Text(one_line(detail), style="dim") for detail in step.details]
    if full and step.event_id is not None:
        lines.append(Text(f"id {step.event_id}", style="dim"))
    return Text("\n").join(lines)


def _plain(found: Found, steps: Sequence[Step], *, full: bool) -> dict[str, JsonValue]:
    """The steps with their times in milliseconds, and the records that they come from."""
    told: list[JsonValue] = []
    for step, (offset, since) in zip(steps, between(steps), strict=True):
        told.append(
            {
                "at": step.at.isoformat(),
                "from_start_ms": _milliseconds(offset),
                "since_last_ms": _milliseconds(since),
                "took_ms": _milliseconds(step.took),
                "step": step.name,
                "facts": step.facts,
                "details": list(step.details),
                "text": step.text,
                "failed": step.failed,
                "id": step.event_id,
                "message_ids": [str(one) for one in step.message_ids],
                "record": step.record.position,
            }
        )
    records = {step.record.position: step.record for step in steps}
    events: list[JsonValue] = []
    for record in records.values():
        content = as_json(record)
        value = content["value"]
        if record.topic == WEBHOOKS.name and isinstance(value, dict) and not full:
            # Other customers' messages may be in it.
            value.pop("payload", None)
        events.append(content)
    return {
        "conversation": found.conversation,
        "earlier_messages": found.earlier,
        "steps": told,
        "events": events,
    }


def _milliseconds(took: timedelta | None) -> float | None:
    return None if took is None else round(took / timedelta(milliseconds=1), 3)
