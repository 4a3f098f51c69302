"""The `recado` command, run as a user types it."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

RECADO = Path(sys.executable).parent / "recado"


async def recado(
    environment: Mapping[str, str], *arguments: str, status: int = 0
) -> tuple[str, str]:
    """Run the command; its output and its errors. It must end with `status`."""
    process = await asyncio.create_subprocess_exec(
        RECADO,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    async with asyncio.timeout(90):
        written, errors = await process.communicate()
    assert process.returncode == status, written.decode() + errors.decode()
    return written.decode(), errors.decode()
