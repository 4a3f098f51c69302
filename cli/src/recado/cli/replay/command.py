"""`recado replay`: its options."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from recado.cli.moments import moment
from recado.cli.output import AsJson, CliError, run
from recado.cli.settings import CliSettings
from recado.schemas.answers import Rung

if TYPE_CHECKING:
    from recado.rag.replay.cases import PromptFile

WINDOW = timedelta(days=7)
LIMIT = 200
MOST_PASSAGES = 50
MOST_AT_ONCE = 32
MOST_PROMPT_BYTES = 1024 * 1024
WRONG_USE = 2

Answerer = Literal["gemini", "keyless"]
Source = Literal["frozen", "live"]
When = "ISO 8601, or how long ago: 90s, 2h, 1d12h."


def replay(
    since: Annotated[
        str | None, typer.Option(help=f"Answered from then on; default: 7d. {When}")
    ] = None,
    until: Annotated[str | None, typer.Option(help=f"Answered before that. {When}")] = None,
    conversation: Annotated[str | None, typer.Option(help="In this conversation.")] = None,
    message: Annotated[
        str | None, typer.Option(help="This one: the id of its event, or of its answer.")
    ] = None,
    rung: Annotated[
        list[Rung] | None, typer.Option(help="Answered on this rung; may be given again.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the last.")] = LIMIT,
    answerer: Annotated[
        Answerer | None,
        typer.Option(help="Default: keyless; with --prompt or --model: gemini."),
    ] = None,
    prompt: Annotated[
        Path | None, typer.Option(help="Instructions for answers from the knowledge base.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Gemini's model.")] = None,
    passages: Annotated[
        int | None,
        typer.Option("--passages", "-n", min=1, max=MOST_PASSAGES, help="How many are given."),
    ] = None,
    retrieval: Annotated[
        Source, typer.Option(help="Passages as recorded, or searched for now.")
    ] = "frozen",
    concurrency: Annotated[
        int, typer.Option(min=1, max=MOST_AT_ONCE, help="Answers made at once.")
    ] = 4,
    out: Annotated[Path | None, typer.Option(help="Write JSON Lines to this file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Show texts whole.")] = False,
    as_json: AsJson = False,
) -> None:
    """Answer past messages once more, beside what was sent. Nothing is sent or published."""
    try:
        from recado.cli.replay.past import Selection
        from recado.cli.replay.work import Replay, work
        from recado.rag.replay.cases import Answerer as Answerers
        from recado.rag.replay.cases import Order, Variation
        from recado.rag.replay.cases import Source as Sources
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith("recado.rag"):
            raise
        raise CliError("`recado replay` needs rag's code: install recado-cli[replay].") from missing
    if answerer == "keyless" and (prompt or model):
        raise CliError("--prompt and --model need --answerer gemini.", exit_status=WRONG_USE)
    answerer = answerer or ("gemini" if prompt or model else "keyless")
    now = datetime.now(UTC)
    selection = Selection(
        since=now - WINDOW if since is None else moment(since, now=now),
        until=None if until is None else moment(until, now=now),
        conversation=conversation,
        message=None if message is None else _id(message),
        rungs=frozenset(rung or ()),
        limit=limit,
    )
    if selection.until is not None and selection.until <= selection.since:
        raise CliError("--until is not after --since.", exit_status=WRONG_USE)
    variation = Variation(
        answerer=Answerers(answerer),
        retrieval=Sources(retrieval),
        passages=passages,
        prompt=None if prompt is None else _prompt(prompt),
        model=model or None,
    )
    order = Order(variation=variation, concurrency=concurrency)
    wanted = Replay(selection, order, out=out, force=force, full=full, as_json=as_json)
    run(work(CliSettings(), wanted))


def _id(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError:
        raise CliError(
            f"{typed!r} is no id of an event; `recado timeline` shows them.", exit_status=WRONG_USE
        ) from None


def _prompt(path: Path) -> PromptFile:
    from recado.rag.replay.cases import PromptFile

    try:
        if path.stat().st_size > MOST_PROMPT_BYTES:
            raise CliError(f"{path} is larger than a prompt can be: 1 MiB.", exit_status=WRONG_USE)
        # As bytes, for the version is a hash of them: line ends must stay what they are.
        content = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise CliError(f"{path} can't be read: {error.strerror}", exit_status=WRONG_USE) from error
    except UnicodeDecodeError:
        raise CliError(f"{path} is not UTF-8.", exit_status=WRONG_USE) from None
    if not content.strip():
        raise CliError(f"{path} is empty.", exit_status=WRONG_USE)
    return PromptFile(name=path.stem, content=content)
