"""The `recado` command, run as a user types it, and other programs."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

RECADO = Path(sys.executable).parent / "recado"


async def recado(
    environment: Mapping[str, str], *arguments: str, status: int = 0
) -> tuple[str, str]:
    """Run the command; its output and its errors. It must end with `status`."""
    return await _run((str(RECADO), *arguments), environment, status)


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
