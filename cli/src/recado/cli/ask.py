"""`recado ask "…"`: a question over the whole path, as a customer of the demo asks it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from recado.cli.output import AsJson, CliError, console, print_json, run
from recado.cli.settings import CliSettings
from recado.schemas.base import Platform

if TYPE_CHECKING:
    from recado.cli.asking import Reply


def ask(
    question: Annotated[str, typer.Argument(help="What the customer writes.")],
    platform: Annotated[
        Platform, typer.Option(help="The platform that the customer writes on.")
    ] = Platform.WHATSAPP,
    customer: Annotated[
        str | None, typer.Option(help="Telephone number or chat; default: the demo's.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the reply.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Post a signed webhook, wait for the reply, show it with its sources and the time it took."""
    reply = run(_ask(CliSettings(), question, platform, customer, timedelta(seconds=timeout)))
    if as_json:
        print_json(reply.as_json())
    else:
        show(reply, console)


async def _ask(
    settings: CliSettings,
    question: str,
    platform: Platform,
    customer: str | None,
    timeout: timedelta,
) -> Reply:
    try:
        from recado.cli.asking import asker
    except ModuleNotFoundError as missing:
        raise CliError(
            "`recado ask` needs the demo's parts: install recado-cli[demo]."
        ) from missing
    async with asker(settings) as asking:
        return await asking.ask(question, platform, customer=customer, timeout=timeout)


def show(reply: Reply, screen: Console) -> None:
    """The reply as a person wants to see it."""
    screen.print(
        Panel(
            Text("\n\n".join(reply.texts)),
            title=Text(f"{reply.platform.value}: {reply.question}"),
            title_align="left",
            border_style="green",
        )
    )
    for citation in reply.answer.citations:
        place = citation.source + (f", page {citation.page}" if citation.page else "")
        screen.print(Text(f"  [{citation.number}] {citation.title}  ({place})"))
    times = Table.grid(padding=(0, 2))
    for name, took in reply.steps:
        times.add_row(
            Text(f"  {name}", style="dim"),
            Text(f"{took / timedelta(milliseconds=1):,.0f} ms", style="dim", justify="right"),
        )
    screen.print(times)
