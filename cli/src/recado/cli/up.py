"""`recado up`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.text import Text

from recado.cli.output import CliError, console, run
from recado.cli.settings import ENVIRONMENT_FILE, STATE_DIRECTORY, CliSettings

if TYPE_CHECKING:
    from recado.cli.live import StackView
    from recado.devstack.stack.stack import Stack

LOOK_EVERY = timedelta(seconds=1)
REFRESH_EVERY = timedelta(milliseconds=200)
INDEX_TIMEOUT = timedelta(minutes=3)
INTERRUPTED = 130
NEXT = """\
Try: recado ask "¿Por qué mi internet está lento?" --platform telegram
     recado webhooks · recado conversations · Ctrl-C stops everything"""

Result = TypeVar("Result")


def up(
    knowledge: Annotated[
        list[Path] | None,
        typer.Option(help="Folders to index; default: the sample of an invented provider."),
    ] = None,
    demo: Annotated[bool, typer.Option(help="Ask three questions and show the answers.")] = False,
    once: Annotated[bool, typer.Option(help="End when that is done.")] = False,
    state: Annotated[
        Path, typer.Option(help="Where data, logs and addresses are kept.")
    ] = STATE_DIRECTORY,
) -> None:
    """Start Kafka, MongoDB's stand-in, the platforms' stand-ins and the four services."""
    try:
        import recado.devstack  # noqa: F401
    except ModuleNotFoundError as missing:
        raise CliError("`recado up` needs the demo's parts: install recado-cli[demo].") from missing
    exit_status = run(_up(knowledge, demo=demo, once=once, state=state))
    if exit_status:
        raise typer.Exit(exit_status)


async def _up(knowledge: list[Path] | None, *, demo: bool, once: bool, state: Path) -> int:
    from recado.cli.demo import ask_all
    from recado.cli.live import StackView
    from recado.devstack.sample import PAGES
    from recado.devstack.stack.errors import StackError
    from recado.devstack.stack.stack import Stack, StackConfig

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    stack = Stack(StackConfig(state_directory=state, prepare_topics=_apply_topics))
    settings = _settings(stack)
    try:
        with StackView(console, stack.parts, passing=True) as view:
            view.hint("Starting …")
            await _unless(stop, _start(stack, view))
            write_environment(settings, state)
            view.hint("Indexing the knowledge base …")
            await _unless(stop, _index(settings, knowledge or [PAGES]))
            view.hint("")
        failures = await _unless(stop, ask_all(settings)) if demo else 0
        if not once:
            with StackView(console, stack.parts) as view:
                view.hint(NEXT)
                await _watch(stack, view, stop)
    except StackError as error:
        raise CliError(str(error)) from error
    finally:
        console.print(Text("Stopping …", style="dim"))
        await stack.stop()
    if failures is None:
        return INTERRUPTED
    return 1 if failures else 0


async def _apply_topics(bootstrap: str) -> None:
    from recado.servicekit.topics import apply

    await apply(CliSettings(kafka_bootstrap_servers=bootstrap))


async def _start(stack: Stack, view: StackView) -> None:
    starting = asyncio.ensure_future(stack.start())
    try:
        while not starting.done():
            await asyncio.wait([starting], timeout=REFRESH_EVERY.total_seconds())
            view.refresh()
        await starting
    finally:
        if not starting.done():
            starting.cancel()
            with suppress(asyncio.CancelledError):
                await starting


async def _index(settings: CliSettings, folders: list[Path]) -> None:
    from recado.cli.index import submit

    await submit(settings, folders, wait=INDEX_TIMEOUT, quiet=True)


async def _watch(stack: Stack, view: StackView, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await stack.look()
        view.refresh()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_EVERY.total_seconds())


async def _unless(stop: asyncio.Event, work: Coroutine[object, object, Result]) -> Result | None:
    """Do the work; None, and the work cancelled, if it was told to stop meanwhile."""
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


def _settings(stack: Stack) -> CliSettings:
    return CliSettings(
        kafka_bootstrap_servers=stack.kafka.bootstrap,
        mongodb_url=stack.mongodb.url,
        integrations_file=stack.integrations_file,
        ingress_url=stack.service("ingress").url,
        standins_url=stack.standins.url,
    )


def write_environment(settings: CliSettings, state: Path) -> None:
    """Tell the other commands where everything is."""
    lines = [
        f"RECADO_KAFKA_BOOTSTRAP_SERVERS={settings.kafka_bootstrap_servers}",
        f"RECADO_MONGODB_URL={settings.mongodb_url}",
        f"RECADO_MONGODB_DATABASE={settings.mongodb_database}",
        f"RECADO_INTEGRATIONS_FILE={settings.integrations_file}",
        f"RECADO_INGRESS_URL={settings.ingress_url}",
        f"RECADO_STANDINS_URL={settings.standins_url}",
    ]
    state.mkdir(parents=True, exist_ok=True)
    file = state / ENVIRONMENT_FILE.name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    file.chmod(0o600)
