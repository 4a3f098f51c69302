"""`recado index PATH…`: files into the knowledge base, over Kafka and the indexer."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from recado.cli import documents
from recado.cli.output import AsJson, CliError, console, errors, print_json, run
from recado.cli.records import end_offsets, handled_up_to, read_to_end
from recado.cli.settings import CliSettings
from recado.schemas.events import DocumentSubmitted, DocumentWithdrawn
from recado.schemas.topics import DOCUMENTS
from recado.servicekit.kafka import NotAcknowledged, Publisher, make_broker

INDEXER_GROUP = "recado-indexer"
EXIT_SOME_REFUSED = 3
BATCH = 20


def index(
    paths: Annotated[
        list[Path], typer.Argument(help="Folders, each a collection, or files.", exists=True)
    ],
    collection: Annotated[
        str | None, typer.Option(help="The collection's name; default: the folder's.")
    ] = None,
    again: Annotated[bool, typer.Option(help="Submit what is unchanged, too.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until the indexer is done.")] = True,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait at most.")] = 300.0,
    as_json: AsJson = False,
) -> None:
    """Bring the knowledge base to what the files say: new, changed and removed documents."""
    settings = CliSettings()
    plan = run(
        submit(
            settings,
            paths,
            collection=collection,
            again=again,
            wait=timedelta(seconds=timeout) if wait else None,
            quiet=as_json,
        )
    )
    if as_json:
        print_json(
            {
                "submitted": [one.source for one in plan.submit],
                "withdrawn": [one.source for one in plan.withdraw],
                "unchanged": list(plan.unchanged),
                "refused": [{"source": one.source, "reason": one.reason} for one in plan.refused],
                "indexed": wait,
            }
        )
    else:
        _summary(plan, waited=wait)
    if plan.refused:
        raise typer.Exit(EXIT_SOME_REFUSED)


async def submit(
    settings: CliSettings,
    paths: list[Path],
    *,
    collection: str | None = None,
    again: bool = False,
    wait: timedelta | None,
    quiet: bool = False,
) -> documents.Plan:
    """Send what differs; with `wait`, return only when the indexer has handled all of it."""
    plan = documents.plan(paths, await known(settings), collection=collection, again=again)
    events: list[DocumentSubmitted | DocumentWithdrawn] = [*plan.submit, *plan.withdraw]
    if not events:
        return plan
    await _publish(settings, events)
    if wait is not None:
        ends = await end_offsets(settings, DOCUMENTS.name)
        with Progress(
            TextColumn("Indexing"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=errors,
            transient=True,
            disable=quiet,
        ) as progress:
            task = progress.add_task("index", total=len(events))
            async for left in handled_up_to(settings, INDEXER_GROUP, ends, wait):
                progress.update(task, completed=max(0, len(events) - left))
    return plan


async def known(settings: CliSettings) -> Mapping[UUID, documents.Known]:
    """The documents that the topic holds and that are not withdrawn."""
    found: dict[UUID, documents.Known] = {}
    async for event in read_to_end(settings, DOCUMENTS.name):
        match event:
            case DocumentSubmitted():
                found[event.document_id] = documents.Known(
                    event.collection, event.source, event.title, event.content_sha256
                )
            case DocumentWithdrawn():
                found.pop(event.document_id, None)
            case _:
                pass
    return found


async def _publish(
    settings: CliSettings, events: list[DocumentSubmitted | DocumentWithdrawn]
) -> None:
    broker = make_broker(settings, "cli")
    publisher = Publisher(broker, "cli")
    try:
        await broker.start()
        for start in range(0, len(events), BATCH):
            await publisher.publish(*events[start : start + BATCH])
    except NotAcknowledged as error:
        raise CliError(f"{error}; run the command again.") from error
    finally:
        await broker.stop()


def _summary(plan: documents.Plan, *, waited: bool) -> None:
    done = "indexed" if waited else "submitted"
    console.print(
        f"[green]{len(plan.submit)} {done}[/], {len(plan.unchanged)} unchanged, "
        f"{len(plan.withdraw)} withdrawn, "
        f"[{'red' if plan.refused else 'default'}]{len(plan.refused)} refused[/]"
    )
    show_refused(plan, console)


def show_refused(plan: documents.Plan, screen: Console) -> None:
    """Each refused file with what is wrong with it."""
    for refused in plan.refused:
        screen.print(Text(f"  {refused.source}: {refused.reason}", style="red"))
