"""What the command prints: tables for people, JSON for programs, one sentence for errors."""

import json
import sys
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from pydantic import JsonValue
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

WHOLE = 10
"""Words of a table up to so many characters are not cut."""

console = Console()
errors = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
Result = TypeVar("Result")


class CliError(Exception):
    """Something that the user can mend. Its message is the one sentence that is printed."""

    def __init__(self, message: str, exit_status: int = 1) -> None:
        super().__init__(message)
        self.exit_status = exit_status


def run(work: Coroutine[object, object, Result]) -> Result:
    """Run a command's asynchronous part."""
    import asyncio

    return asyncio.run(work)


def print_json(content: JsonValue) -> None:
    """One JSON document, in UTF-8, for programs."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def print_json_line(content: JsonValue) -> None:
    """One JSON document on a line of its own, at once: others follow."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_note(message: str) -> None:
    """One sentence on stderr, beside what is for programs."""
    errors.print(Text(message, style="dim"), soft_wrap=True)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> None:
    """A table for people; the last column takes what room is left. Nothing is taken for markup."""
    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD)
    for number, column in enumerate(columns[:-1]):
        words = " ".join([column, *(str(row[number]) for row in rows)]).split()
        # A date stays whole on a narrow terminal; what is longer may be cut into two lines.
        whole = min(WHOLE, max(map(len, words), default=0))
        table.add_column(column, overflow="fold", no_wrap=not console.is_terminal, min_width=whole)
    table.add_column(columns[-1], overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    console.print(table)


def print_error(message: str) -> None:
    """One sentence on stderr."""
    errors.print(Text.assemble(("Error: ", "bold red"), message), soft_wrap=True)


def local_time(moment: datetime) -> str:
    """A time as a person reads it, in this machine's zone; without the date if it is today's."""
    local = moment.astimezone()
    today = local.date() == datetime.now(UTC).astimezone().date()
    return local.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")
