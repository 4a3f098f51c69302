"""`recado index PATH…`: files into the knowledge base, over Kafka and the indexer."""

import asyncio
from collections.abc import MutableMapping
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from aiokafka.errors import KafkaError
from pydantic import JsonValue
from rich.console import Console
from rich.text import Text

from recado.cli import documents
from recado.cli.index_progress import IndexProgress
from recado.cli.known import KnownDocuments, known_documents
from recado.cli.output import AsJson, CliError, console, print_json, print_table, run
from recado.cli.records import end_offsets, handled_up_to
from recado.cli.refusals import letters_behind, refusals
from recado.cli.settings import CliSettings
from recado.cli.uploading import SOURCE, Uploader
from recado.knowledge.errors import InvalidDocument
from recado.schemas.topics import DOCUMENTS, dead_letters
from recado.servicekit.kafka import NotAcknowledged, Publisher, make_event_producer

INDEXER_GROUP = "recado-indexer"
LETTERS = dead_letters("indexer").name
EXIT_SOME_REFUSED = 3


def index(
    paths: Annotated[
        list[Path], typer.Argument(help="Folders, each a collection, or files.", exists=True)
    ],
    collection: Annotated[
        str | None, typer.Option(help="The collection's name; default: the folder's.")
    ] = None,
    again: Annotated[bool, typer.Option(help="Submit what is unchanged, too.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and follow the files until Ctrl-C.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait until the indexer is done.")] = True,
    timeout: Annotated[
        float, typer.Option(min=1, help="Seconds without progress of the indexer at most.")
    ] = 300.0,
    as_json: AsJson = False,
) -> None:
    """Bring the knowledge base to what the files say: new, changed and removed documents.

    With --watch and --json each round that found something is one line of JSON.
    """
    settings = CliSettings()
    patience = timedelta(seconds=timeout) if wait else None
    if watch:
        from recado.cli.watching import follow

        run(
            follow(
                settings, paths, collection=collection, again=again, wait=patience, as_json=as_json
            )
        )
        return
    started = monotonic()
    plan = run(
        submit(settings, paths, collection=collection, again=again, wait=patience, quiet=as_json)
    )
    if as_json:
        print_json(as_document(plan, waited=wait))
    else:
        _summary(plan, waited=wait, took=timedelta(seconds=monotonic() - started))
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
    known: KnownDocuments | None = None,
    seen: MutableMapping[Path, documents.Stamp] | None = None,
) -> documents.Plan:
    """Send what differs; with `wait`, return only when the indexer has handled all of it.

    `known` spares reading the topic and is kept up to date, for `seen` see `documents.plan`. What
    was refused, by the indexer too where it was waited for, is in the plan and not among what was
    submitted. Raises `CliError`.
    """
    if known is None:
        known = await known_documents(settings)
    plan = await asyncio.to_thread(
        documents.plan, paths, known, collection=collection, again=again, seen=seen
    )
    leftovers = any(any(known.leftovers(document)) for document in plan.present)
    if not (plan.submit or plan.withdraw or leftovers):
        return plan
    behind = await letters_behind(settings, LETTERS) if wait else {}
    with IndexProgress(len(plan.submit) + len(plan.withdraw), quiet=quiet) as progress:
        await _upload(settings, plan, known, progress)
        if wait is not None:
            ends = await end_offsets(settings, DOCUMENTS.name)
            async for left in handled_up_to(settings, INDEXER_GROUP, ends, wait):
                progress.indexing(left)
    if wait is not None:
        _refuse(plan, await refusals(settings, LETTERS, behind))
    return plan


def as_document(plan: documents.Plan, *, waited: bool) -> dict[str, JsonValue]:
    """What was done, for programs."""
    return {
        "submitted": [one.source for one in plan.submit],
        "withdrawn": [one.source for one in plan.withdraw],
        "renamed": [{"from": old, "to": new} for old, new in plan.renamed],
        "unchanged": list(plan.unchanged),
        "refused": [{"source": one.source, "reason": one.reason} for one in plan.refused],
        "indexed": waited,
    }


def show_refused(plan: documents.Plan, screen: Console) -> None:
    """Each refused file with what is wrong with it."""
    for refused in plan.refused:
        screen.print(Text(f"  {refused.source}: {refused.reason}", style="red"))


async def _upload(
    settings: CliSettings, plan: documents.Plan, known: KnownDocuments, progress: IndexProgress
) -> None:
    producer = make_event_producer(settings, SOURCE)
    uploader = Uploader(Publisher(producer, SOURCE), known)
    try:
        await producer.start()
        for change in tuple(plan.submit):
            progress.reading(change.source)
            try:
                await uploader.submit(change, progress.part)
            except InvalidDocument as refused:
                plan.refuse(change, refused)
            progress.done()
        await uploader.flush()
        await uploader.withdraw(*plan.withdraw)
        progress.done(len(plan.withdraw))
        for document_id in plan.present:
            await uploader.tidy(document_id)
    except NotAcknowledged as error:
        raise CliError(f"{error}; run the command again.") from error
    except (KafkaError, OSError) as error:
        raise CliError(f"Kafka can't be reached: {type(error).__name__}") from error
    finally:
        await producer.stop()


def _refuse(plan: documents.Plan, reasons: dict[bytes, str]) -> None:
    for change in tuple(plan.submit):
        reason = reasons.get(str(change.document_id).encode())
        if reason is not None:
            said = reason.removeprefix(f"{change.source}: ")
            plan.refuse(change, InvalidDocument(change.source, f"the indexer refused it: {said}"))


def _summary(plan: documents.Plan, *, waited: bool, took: timedelta) -> None:
    rows: list[tuple[str, str | Text]] = [
        ("indexed" if waited else "submitted", Text(str(len(plan.submit)), style="green")),
        ("unchanged", str(len(plan.unchanged))),
        ("withdrawn", str(len(plan.withdraw))),
        ("of these renamed", str(len(plan.renamed))),
        ("refused", Text(str(len(plan.refused)), style="red" if plan.refused else "")),
        ("seconds", f"{took.total_seconds():.1f}"),
    ]
    print_table("Documents", ("", ""), rows)
    for old, new in plan.renamed:
        console.print(Text(f"  {old} is now {new}"))
    show_refused(plan, console)
