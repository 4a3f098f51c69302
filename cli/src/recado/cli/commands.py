"""The commands put together."""

import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from recado.cli import (
    ask,
    dead_letters,
    events,
    forget,
    index,
    rebuild,
    stored,
    telegram,
    timeline,
    topics,
    undelivered,
    up,
)
from recado.cli.output import CliError, print_error
from recado.cli.replay import command as replay
from recado.servicekit import logs
from recado.servicekit.settings import EXIT_MISCONFIGURED, explain

app = typer.Typer(
    name="recado",
    help="Recado: a support assistant for WhatsApp and Telegram.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("ask")(ask.ask)
app.command("index")(index.index)
app.command("webhooks")(stored.webhooks)
app.command("conversations")(stored.conversations)
app.command("messages")(stored.messages)
app.command("events")(events.events)
app.command("dead-letters")(dead_letters.dead_letters)
app.command("undelivered")(undelivered.undelivered)
app.command("timeline")(timeline.timeline)
app.command("replay")(replay.replay)
app.command("rebuild")(rebuild.rebuild)
app.command("forget")(forget.forget)
app.add_typer(topics.app, name="topics")
app.add_typer(telegram.app, name="telegram")


@app.callback()
def configure(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log to stderr.")] = False,
) -> None:
    """What holds for every command."""
    logs.configure("cli", "INFO" if verbose else "CRITICAL", "console")


def run_command() -> None:
    """Run what was typed; errors that the user can mend are one sentence."""
    try:
        app()
    except CliError as error:
        print_error(str(error))
        sys.exit(error.exit_status)
    except ValidationError as invalid:
        for line in explain(invalid):
            print_error(line)
        sys.exit(EXIT_MISCONFIGURED)
