"""`recado up`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from pydantic import JsonValue
from rich.text import Text

from recado.cli.output import AsJson, CliError, console, errors, print_json, run
from recado.cli.settings import ENVIRONMENT_FILE, STATE_DIRECTORY, CliSettings

if TYPE_CHECKING:
    from recado.cli.demo import Asked
    from recado.cli.documents import Plan
    from recado.cli.live import StackView
    from recado.devstack.stack.part import PartStatus
    from recado.devstack.stack.stack import Stack

LOOK_EVERY = timedelta(seconds=1)
REFRESH_EVERY = timedelta(milliseconds=200)
INDEX_TIMEOUT = timedelta(minutes=3)
INTERRUPTED = 130
OF_THE_KNOWLEDGE = frozenset(
    {
        "RECADO_KNOWLEDGE",
        "RECADO_LANCEDB_PATH",
        "RECADO_WEAVIATE_URL",
        "RECADO_WEAVIATE_GRPC_URL",
        "RECADO_WEAVIATE_COLLECTION",
    }
)
"""Where the knowledge base is. An embedder that needs a key is set where the key is."""
NEXT = """\
Try: recado ask "¿Por qué mi internet está lento?" --platform telegram
     recado webhooks · recado conversations · Ctrl-C stops everything"""

Result = TypeVar("Result")


def up(
    knowledge: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True, help="Folders to index; default: the sample of an invented provider."
        ),
    ] = None,
    demo: Annotated[bool, typer.Option(help="Ask three questions and show the answers.")] = False,
    once: Annotated[bool, typer.Option(help="End when that is done.")] = False,
    state: Annotated[
        Path,
        typer.Option(
            help="Where data, logs and addresses are kept; other commands look in .recado."
        ),
    ] = STATE_DIRECTORY,
    as_json: AsJson = False,
) -> None:
    """Start Kafka, MongoDB's stand-in, the platforms' stand-ins and the four services.

    With --json the document comes when all is ready (and asked); tables go to stderr.
    """
    try:
        import recado.devstack  # noqa: F401
    except ModuleNotFoundError as missing:
        raise CliError("`recado up` needs the demo's parts: install recado-cli[demo].") from missing
    exit_status = run(_up(knowledge, demo=demo, once=once, state=state, as_json=as_json))
    if exit_status:
        raise typer.Exit(exit_status)


async def _up(
    knowledge: list[Path] | None, *, demo: bool, once: bool, state: Path, as_json: bool
) -> int:
    from recado.cli.demo import Asked, ask_all
    from recado.cli.index import show_refused
    from recado.cli.live import StackView
    from recado.devstack.sample import PAGES
    from recado.devstack.stack.errors import StackError
    from recado.devstack.stack.stack import Stack, StackConfig

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    screen = errors if as_json else console
    try:
        stack = Stack(StackConfig(state_directory=state, prepare_topics=_apply_topics))
        settings = _settings(stack)
        try:
            with StackView(screen, stack.parts, passing=True) as view:
                prepared = _prepare(stack, settings, view, knowledge or [PAGES], state)
                plan = await _unless(stop, prepared)
            if plan is None:
                return INTERRUPTED
            show_refused(plan, screen)
            asked = await _unless(stop, ask_all(settings, screen)) if demo else Asked()
            if asked is None:
                return INTERRUPTED
            if as_json:
                print_json(as_document(stack.parts(), state, plan, asked))
            if not once:
                with StackView(screen, stack.parts) as view:
                    view.hint(NEXT)
                    await _watch(stack, view, stop)
        finally:
            screen.print(Text("Stopping …", style="dim"))
            await stack.stop()
    except StackError as error:
        raise CliError(str(error)) from error
    return 1 if asked.failures or plan.refused else 0


async def _prepare(
    stack: Stack, settings: CliSettings, view: StackView, folders: list[Path], state: Path
) -> Plan:
    """Start everything and index the folders; what of them was refused is in the plan."""
    from recado.cli.index import submit

    view.hint("Starting …")
    await _shown(view, stack.start(), every=REFRESH_EVERY)
    write_environment(settings, state, stack.environment, reader_key=_reader_key(stack))
    view.hint("Indexing the knowledge base …")
    indexing = submit(settings, folders, wait=INDEX_TIMEOUT, quiet=True)
    plan = await _shown(view, indexing, every=LOOK_EVERY, look=stack.look)
    view.hint("")
    return plan


def _reader_key(stack: Stack) -> str | None:
    """The key that a search needs, where Weaviate was started here: it is fixed and public.

    That of a server which was there before is a secret: it stays in the environment it came from.
    """
    from recado.devstack.stack.weaviate import WeaviateServer

    return stack.weaviate.reader_key if isinstance(stack.weaviate, WeaviateServer) else None


async def _apply_topics(bootstrap: str) -> None:
    from recado.cli.topics import bring_up_to_date

    await bring_up_to_date(CliSettings(kafka_bootstrap_servers=bootstrap))


async def _shown(
    view: StackView,
    work: Coroutine[object, object, Result],
    *,
    every: timedelta,
    look: Callable[[], Awaitable[object]] | None = None,
) -> Result:
    """Do the work, and show meanwhile how the parts are: at each look, where there is one."""
    working = asyncio.ensure_future(work)
    try:
        while not working.done():
            await asyncio.wait([working], timeout=every.total_seconds())
            if look is not None and not working.done():
                await look()
            view.refresh()
        return await working
    finally:
        if not working.done():
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working


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


def as_document(
    parts: Sequence[PartStatus], state: Path, plan: Plan, asked: Asked
) -> dict[str, JsonValue]:
    """What runs, where its addresses are written, and what was asked, for programs."""
    return {
        "parts": [
            {
                "name": part.name,
                "address": part.address,
                "state": part.state.value,
                "note": part.note,
            }
            for part in parts
        ],
        "environment_file": str(state / ENVIRONMENT_FILE.name),
        "refused": [{"source": one.source, "reason": one.reason} for one in plan.refused],
        "replies": [reply.as_json() for reply in asked.replies],
        "failures": asked.failures,
    }


def write_environment(
    settings: CliSettings,
    state: Path,
    services: Mapping[str, str] | None = None,
    *,
    reader_key: str | None = None,
) -> None:
    """Tell the other commands where everything is. Only this user can read it.

    `services` is what the services run with: of that, where the knowledge base is, for a replay
    searches in it. `reader_key` is the demo's own for Weaviate.
    """
    values = {
        "RECADO_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "RECADO_MONGODB_URL": settings.mongodb_url,
        "RECADO_MONGODB_DATABASE": settings.mongodb_database,
        "RECADO_INTEGRATIONS_FILE": str(settings.integrations_file),
        "RECADO_INGRESS_URL": settings.ingress_url,
        "RECADO_STANDINS_URL": settings.standins_url,
        **{name: value for name, value in (services or {}).items() if name in OF_THE_KNOWLEDGE},
    }
    if reader_key is not None:
        values["RECADO_WEAVIATE_API_KEY"] = reader_key
    state.mkdir(parents=True, exist_ok=True)
    file = state / ENVIRONMENT_FILE.name
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        written.writelines(f"{name}={_quoted(value)}\n" for name, value in values.items())
    part.replace(file)


def _quoted(value: str) -> str:
    """As the file is read: an address may hold ` #`, which else begins a comment."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
