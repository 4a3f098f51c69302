"""`recado dead-letters`: what a service gave up and why; sent back when the cause is mended.

What a redrive promises is in `recado.cli.redriving`, how letters are told apart in
`recado.cli.letters`, how one is mended by hand in `recado.cli.mending`.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.text import Text

from recado.cli.event_lines import one_line
from recado.cli.letters import Cause, Letter, Letters, Plan, grouped
from recado.cli.output import AsJson, CliError, console, local_time, print_json, print_table, run
from recado.cli.redriving import export, read, send_back, send_back_mended
from recado.cli.settings import CliSettings
from recado.schemas import topics

CONSUMERS = tuple(service for service in topics.SERVICES if service != "ingress")
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
    redrive_from: Annotated[
        Path | None, typer.Option(help="Send those of this file, as they were mended there.")
    ] = None,
    export_to: Annotated[
        Path | None, typer.Option("--export", help="Write those that wait to a file, to be mended.")
    ] = None,
    error: Annotated[
        str | None, typer.Option(help="Only with this error class, such as Permanent.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Send no more than so many.")] = 10,
    force: Annotated[
        bool, typer.Option("--force", help="Also what was sent back too often; replace the file.")
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
    if sum((redrive, redrive_from is not None, export_to is not None)) > 1:
        raise CliError("Give one of --redrive, --redrive-from and --export.", exit_status=2)
    really = yes or dry_run is False
    if really and not (redrive or redrive_from):
        raise CliError("Without --redrive nothing is sent.", exit_status=2)
    topic = topics.dead_letters(service).name
    if export_to is not None:
        written = run(export(CliSettings(), topic, export_to, error=error, force=force))
        if as_json:
            print_json({"file": str(export_to), "letters": written})
        else:
            console.print(
                f"{written} dead letters written to {export_to}", markup=False, soft_wrap=True
            )
        return
    if redrive_from is not None:
        if error is not None:
            raise CliError("--error does not go with --redrive-from.", exit_status=2)
        lines = _lines_in(redrive_from)
        planned = run(send_back_mended(CliSettings(), topic, lines, force=force, really=really))
        show_plan(planned, really=really, as_json=as_json)
        return
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


def _lines_in(file: Path) -> list[str]:
    try:
        # Not by its lines as Python counts them: a text may hold other separators.
        return file.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise CliError(f"{file} can't be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise CliError(f"{file} is not UTF-8.") from None


def show_plan(planned: Plan, *, really: bool, as_json: bool) -> None:
    """What was sent back, or would be, and what was refused."""
    if as_json:
        print_json(
            {
                "dry_run": not really,
                "redriven": [_plain(letter) for letter in planned.send],
                "refused": [
                    {**_plain(letter), "reason": str(reason)} for letter, reason in planned.refused
                ],
            }
        )
        return
    done = "sent back" if really else "would be sent back"
    rows = [(letter, f"{done}, time {letter.redriven + 1}") for letter in planned.send]
    rows += [(letter, f"refused: {one_line(reason)}") for letter, reason in planned.refused]
    print_table(
        "Redrive" if really else "Redrive (dry run: nothing is sent; --yes sends)",
        ("dead since", "from", "outcome"),
        [
            (
                _when(letter.at),
                one_line(letter.origin),
                _lines_of(outcome, one_line(letter.error)),
            )
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
        ("waiting", "redriven", "first, last", "cause, example"),
        [
            (
                str(one.waiting),
                str(one.redriven),
                "\n".join(dict.fromkeys(map(_when, (one.first, one.last)))),
                _lines_of(
                    f"{one_line(one.error)} in {one_line(one.topic)}",
                    f"{one_line(one.example.origin)}: {one_line(one.example.message)}"[
                        :SHOWN_OF_MESSAGE
                    ],
                ),
            )
            for one in causes
        ],
    )
    if found.others:
        console.print(f"{found.others} records are no dead letters.")


def _when(moment: datetime) -> str:
    """A date, where there is one, above its time: it must not crowd out what one looks for."""
    return local_time(moment).replace(" ", "\n")


def _lines_of(first: str, second: str) -> Text:
    """One below the other: the columns of a narrow terminal are no place for names so long."""
    return Text.assemble(first, "\n", (second, "dim"))


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
