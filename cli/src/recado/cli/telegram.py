"""`recado telegram`: what Telegram must be told before it sends anything."""

from typing import Annotated

import httpx
import typer
from rich.table import Table
from rich.text import Text

from recado.channels.errors import CallFailed, ChannelError
from recado.channels.telegram.settings import TelegramIntegration
from recado.channels.telegram.webhook import (
    WebhookInfo,
    delete_webhook,
    set_webhook,
    webhook_info,
)
from recado.cli.integrations import choose, load
from recado.cli.output import AsJson, CliError, console, local_time, print_json, run
from recado.cli.settings import CliSettings
from recado.schemas.base import Platform

TIMEOUT_SECONDS = 15.0

app = typer.Typer(help="Telegram's webhook.", no_args_is_help=True)


@app.callback()
def _telegram() -> None:
    """Telegram's webhook."""


@app.command("set-webhook")
def set_webhook_command(
    url: Annotated[
        str | None, typer.Option(help="Have updates posted here, with the secret token.")
    ] = None,
    info: Annotated[bool, typer.Option("--info", help="Show where updates are posted.")] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Have updates posted nowhere.")] = False,
    integration: Annotated[
        str | None, typer.Option(help="Which bot, where there are several.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set, show or delete the address that Telegram posts a bot's updates to."""
    if sum((url is not None, info, delete)) != 1:
        raise CliError("Give one of --url, --info and --delete.", exit_status=2)
    chosen = choose(load(CliSettings()), Platform.TELEGRAM, integration)
    if not isinstance(chosen, TelegramIntegration):
        raise CliError(f"{chosen.name} is not a Telegram bot.")
    now = run(_call(chosen, url, delete=delete))
    if as_json:
        print_json({"integration": chosen.name, **now.model_dump(mode="json")})
    else:
        _show(chosen.name, now)


async def _call(bot: TelegramIntegration, url: str | None, *, delete: bool) -> WebhookInfo:
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
        try:
            if url is not None:
                return await set_webhook(bot, url, http)
            return await (delete_webhook if delete else webhook_info)(bot, http)
        except CallFailed as failed:
            raise CliError(f"Telegram refused: {failed}") from None
        except ChannelError as error:
            raise CliError(f"Telegram could not be asked: {error}") from None


def _show(name: str, info: WebhookInfo) -> None:
    rows = Table.grid(padding=(0, 2))
    rows.add_row("bot", Text(name))
    rows.add_row("webhook", Text(info.url or "none is set"))
    rows.add_row("updates waiting", str(info.pending_update_count))
    if info.allowed_updates:
        rows.add_row("kinds", Text(", ".join(info.allowed_updates)))
    if info.last_error_message and info.last_error_date:
        failure = f"{local_time(info.last_error_date)}: {info.last_error_message}"
        rows.add_row("last failure", Text(failure, style="red"))
    console.print(rows)
