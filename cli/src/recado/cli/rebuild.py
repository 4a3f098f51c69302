"""`recado rebuild`: MongoDB's documents made again from the topics, in a process that can't send.

The process gets an environment of its own: what reaches Kafka and MongoDB and nothing else, so no
integrations file and no platform's credentials.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from recado.cli.output import AsJson, CliError, errors, print_json, print_note, print_table, run
from recado.cli.settings import CliSettings
from recado.servicekit.settings import PREFIX, KafkaSettings

OF_THE_MACHINE = frozenset(
    {"PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"}
)
OF_THE_DISPATCHER = frozenset({f"{PREFIX}WEBHOOKS_KEPT", f"{PREFIX}CONVERSATION_CLOSES_AFTER"})


NAMED = 20
"""Records that are named of those that were left out; `--json` has more of them."""


class _Told(BaseModel):
    """A line of the process: how far it is, or at the end what it found."""

    records: int
    of: int | None = None
    events: dict[str, int] = {}
    documents: dict[str, int] = {}
    without_outcome: int = 0
    without_answer: int = 0
    refused: int = 0
    refused_records: list[str] = []


def rebuild(
    into: Annotated[str, typer.Option(metavar="DATABASE", help="An empty database.")],
    as_json: AsJson = False,
) -> None:
    """Make MongoDB's documents again from the topics, in another database. Nothing is sent."""
    if find_spec("recado.dispatcher") is None:
        raise CliError("`recado rebuild` needs the dispatcher's code: install recado-cli[rebuild].")
    found = run(_rebuild(into))
    if as_json:
        print_json(found.model_dump(mode="json", exclude={"of"}))
        return
    print_table(
        f"Rebuilt into {into}",
        ("documents", "collection"),
        [(str(count), name) for name, count in found.documents.items()],
    )
    print_table(
        f"From {found.records} records",
        ("records", "event"),
        [(str(count), name) for name, count in found.events.items()],
    )
    print_table(
        "Left to the dispatcher, or gone from the topics",
        ("count", "what"),
        [
            (str(found.without_outcome), "answers without an outcome"),
            (str(found.without_answer), "outcomes whose answer is not there, or told twice"),
            (str(found.refused), "records that make no valid document"),
        ],
    )
    for record in found.refused_records[:NAMED]:
        print_note(f"Left out: {record}")


async def _rebuild(into: str) -> _Told:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "recado.dispatcher.rebuild",
        into,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(os.environ, CliSettings()),
    )
    if process.stdout is None or process.stderr is None:
        raise RuntimeError("the process was started without pipes")
    last: _Told | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            said = tasks.create_task(process.stderr.read())
            with _bar() as bar:
                task = bar.add_task("records", total=None)
                async for line in process.stdout:
                    last = _Told.model_validate_json(line)
                    bar.update(task, completed=last.records, total=last.of or last.records)
        status = await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if status or last is None or last.of is not None:
        lines = said.result().decode(errors="replace").strip().splitlines()
        raise CliError(
            lines[-1] if lines else f"The process ended with status {status}.", status or 1
        )
    return last


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
    )


def environment(whole: Mapping[str, str], settings: CliSettings) -> dict[str, str]:
    """What the process gets: the machine's, and where Kafka and MongoDB are."""
    given = {
        name: value
        for name, value in whole.items()
        if name in OF_THE_MACHINE or name.startswith("LC_") or name in OF_THE_DISPATCHER
    }
    for field in KafkaSettings.model_fields:
        value = getattr(settings, field)
        if value is not None:
            given[f"{PREFIX}{field.upper()}"] = (
                value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
            )
    given[f"{PREFIX}MONGODB_URL"] = settings.mongodb_url
    return given
