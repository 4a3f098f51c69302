"""`recado index --watch`: the knowledge base follows the files until it is told to stop.

Promises:

- The first round compares everything, as the command without `--watch` does. Any sign of life
  below the paths starts another, when it has been quiet for `DEBOUNCE`; only files that are new or
  written since the last round are read then.
- A round looks at all files, not at what the system says has changed, so that a file that editors
  exchange for another, or that a symbolic link leads to elsewhere, is followed too.
- A file that can't be taken is named once, and again when it was changed and still can't.
- Kafka or the indexer being away is said, and the round is made again every `RETRY`.
- Ctrl-C and SIGTERM end it with status 0. A document that is being submitted then stays as it was.

Other writers of the same documents are not seen: what the topic said in the first round counts, or
after an error.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.text import Text
from watchfiles import awatch

from recado.cli.documents import Plan, Stamp, files_of
from recado.cli.index import as_document, submit
from recado.cli.known import KnownDocuments, known_documents
from recado.cli.output import CliError, console, errors, local_time, print_error
from recado.cli.settings import CliSettings

DEBOUNCE = timedelta(milliseconds=800)
RETRY = timedelta(seconds=2)
LOOK_EVERY = timedelta(minutes=1)
"""Where nothing stirs. Not every file system tells of changes, and none of those behind links."""


@dataclass(frozen=True, slots=True)
class _Folders:
    """What is watched: all `below` the folders that were named, and files `beside` others, such as
    those that symbolic links lead to."""

    below: frozenset[Path]
    beside: frozenset[Path]


async def follow(
    settings: CliSettings,
    paths: list[Path],
    *,
    collection: str | None,
    again: bool,
    wait: timedelta | None,
    as_json: bool,
) -> None:
    """Return when a signal says so."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    following = asyncio.create_task(
        _Following(settings, paths, collection, wait, as_json=as_json).run(again=again)
    )
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()
    finally:
        for task in (following, stopping):
            task.cancel()
        await asyncio.gather(following, stopping, return_exceptions=True)
    errors.print(Text("Stopped.", style="dim"))


class _Following:
    def __init__(
        self,
        settings: CliSettings,
        paths: list[Path],
        collection: str | None,
        wait: timedelta | None,
        *,
        as_json: bool,
    ) -> None:
        self._settings = settings
        self._paths = paths
        self._collection = collection
        self._wait = wait
        self._as_json = as_json
        self._known: KnownDocuments | None = None
        self._seen: dict[Path, Stamp] = {}
        self._stirred = asyncio.Event()

    async def run(self, *, again: bool) -> None:
        while True:
            folders = self._watched()
            stop = asyncio.Event()
            watching = asyncio.create_task(self._watch(folders, stop))
            # Watching begins before the round does: what changes meanwhile is not missed.
            await asyncio.sleep(0)
            try:
                while True:
                    self._stirred.clear()
                    done = await self._round(again=again)
                    again = again and not done
                    if self._watched() != folders:
                        break
                    await self._rest(LOOK_EVERY if done else RETRY, watching)
            finally:
                stop.set()  # its threads can't be cancelled; told so they end in milliseconds
                await asyncio.wait({watching})

    async def _round(self, *, again: bool) -> bool:
        """Bring the knowledge base to what the files say; whether that went well."""
        try:
            if self._known is None:
                self._known = await known_documents(self._settings)
                self._seen.clear()
            plan = await submit(
                self._settings,
                self._paths,
                collection=self._collection,
                again=again,
                wait=self._wait,
                quiet=self._as_json,
                known=self._known,
                seen=self._seen,
            )
        except CliError as error:
            self._known = None
            print_error(f"{error} Trying again in {RETRY.total_seconds():.0f} s.")
            return False
        self._tell(plan)
        return True

    def _tell(self, plan: Plan) -> None:
        if not (plan.submit or plan.withdraw or plan.refused):
            return
        if self._as_json:
            document = as_document(plan, waited=self._wait is not None)
            sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
            sys.stdout.flush()
            return
        now = local_time(datetime.now(UTC))
        done = "submitted" if self._wait is None else "indexed"
        for what, sources in (
            (done, [one.source for one in plan.submit]),
            ("withdrawn", [one.source for one in plan.withdraw]),
        ):
            if sources:
                console.print(Text(f"{now}  {what}: {_some(sources)}"))
        for refused in plan.refused:
            console.print(Text(f"{now}  refused: {refused.source}: {refused.reason}", style="red"))

    def _watched(self) -> _Folders:
        below: set[Path] = set()
        beside: set[Path] = set()
        for path in self._paths:
            if path.is_dir():
                below.add(path.resolve())
            else:
                beside |= {path.absolute().parent, path.resolve().parent}
            links = (file for file, _ in files_of(path) if file.is_symlink())
            beside |= {link.resolve().parent for link in links}
        return _Folders(frozenset(below), frozenset(one for one in beside if one.is_dir()))

    async def _watch(self, folders: _Folders, stop: asyncio.Event) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                if folders.below:
                    tasks.create_task(self._stir(folders.below, stop, recursive=True))
                if folders.beside:
                    tasks.create_task(self._stir(folders.beside, stop, recursive=False))
        except* OSError as failed:  # too many folders for the system's limit, or one went
            every = f"{LOOK_EVERY.total_seconds():.0f} s"
            print_error(f"No notice of changes ({failed.exceptions[0]}); looking every {every}.")
        await stop.wait()

    async def _stir(self, folders: Iterable[Path], stop: asyncio.Event, *, recursive: bool) -> None:
        async for _changes in awatch(
            *folders,
            watch_filter=None,
            debounce=DEBOUNCE // timedelta(milliseconds=1),
            stop_event=stop,
            recursive=recursive,
            ignore_permission_denied=True,
        ):
            self._stirred.set()

    async def _rest(self, most: timedelta, watching: asyncio.Task[None]) -> None:
        """Until something stirs, or for so long. Raises what ended the watching."""
        stirred = asyncio.create_task(self._stirred.wait())
        try:
            await asyncio.wait(
                {stirred, watching},
                timeout=most.total_seconds(),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if watching.done():
                watching.result()
        finally:
            stirred.cancel()


def _some(sources: list[str], most: int = 10) -> str:
    more = len(sources) - most
    return ", ".join(sources[:most]) + (f" and {more} more" if more > 0 else "")
