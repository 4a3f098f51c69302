"""Where fetched programs are kept between runs, and how they get there whole.

A folder of the cache is either complete or not there: it is filled under another name and renamed.
Only one process fills it at a time; the others wait and then find it.
"""

import asyncio
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

CACHE_VARIABLE = "RECADO_CACHE"
_LOCK_WAIT = timedelta(minutes=15)  # as long as the slowest download that is waited for
_LOCK_POLL = 0.1  # seconds


def cache_directory(environment: Mapping[str, str]) -> Path:
    """$RECADO_CACHE, else `recado` in the user's cache folder as the platform has it."""
    if chosen := environment.get(CACHE_VARIABLE):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "recado"
    if base := environment.get("XDG_CACHE_HOME"):
        return Path(base) / "recado"
    return Path.home() / ".cache" / "recado"


async def filled_once(folder: Path, fill: Callable[[Path], Awaitable[None]]) -> Path:
    """Return `folder`, filled by `fill` unless it is there already.

    `fill` is given an empty folder beside it. If it raises, `folder` does not appear. Safe against
    other processes and a kill at any moment. Raises TimeoutError if another process fills it for
    15 minutes.
    """
    if _is_there(folder):
        return folder
    async with _locked(folder.with_name(folder.name + ".lock")):
        if _is_there(folder):
            return folder
        part = _empty_part(folder)
        try:
            await fill(part)
            _publish(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder


def _is_there(folder: Path) -> bool:
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder.is_dir()


def _empty_part(folder: Path) -> Path:
    for stale in folder.parent.glob(f"{folder.name}.part-*"):  # of a process that was killed
        shutil.rmtree(stale, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{folder.name}.part-", dir=folder.parent))


def _publish(part: Path, folder: Path) -> None:
    part.chmod(0o755)  # mkdtemp's folders are for their maker only
    part.rename(folder)


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        async with asyncio.timeout(_LOCK_WAIT.total_seconds()):
            while not _try_lock(descriptor):  # noqa: ASYNC110 - held by other processes
                await asyncio.sleep(_LOCK_POLL)
        yield
    finally:
        os.close(descriptor)  # the kernel drops the lock, as it does when the process is killed


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
