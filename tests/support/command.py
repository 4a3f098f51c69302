"""The `recado` command, run as a user types it, and other programs."""

import asyncio
import os
import pty
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

RECADO = Path(sys.executable).parent / "recado"


async def recado(
    environment: Mapping[str, str], *arguments: str, status: int = 0
) -> tuple[str, str]:
    """Run the command; its output and its errors. It must end with `status`."""
    return await _run((str(RECADO), *arguments), environment, status)


async def recado_in_a_terminal(
    environment: Mapping[str, str], *arguments: str, status: int = 0
) -> str:
    """Run the command as in a terminal of 120 columns; all that it shows there."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        str(RECADO),
        *arguments,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", **environment},
    )
    os.close(theirs)
    reading = asyncio.create_task(asyncio.to_thread(_all_of, ours))
    try:
        async with asyncio.timeout(90):
            await process.wait()
            shown = await reading
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reading
        os.close(ours)
    assert process.returncode == status, shown
    return shown


def _all_of(terminal: int) -> str:
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 65536)
        except OSError:  # EIO: nobody writes to it any more
            return shown.decode()


async def run_python(
    code: str, environment: Mapping[str, str], *arguments: str, status: int = 0
) -> tuple[str, str]:
    """Run a program in a process of its own; its output and its errors. It ends with `status`."""
    return await _run((sys.executable, "-c", code, *arguments), environment, status)


async def _run(
    command: Sequence[str], environment: Mapping[str, str], status: int
) -> tuple[str, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    async with asyncio.timeout(90):
        written, errors = await process.communicate()
    assert process.returncode == status, written.decode() + errors.decode()
    return written.decode(), errors.decode()
