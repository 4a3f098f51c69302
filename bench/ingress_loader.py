"""The load generator's process, and orders to it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from bench.http_load import PATIENCE, Order, Seen
from bench.ingress_servers import ROOT, on

PREPARING = 30.0
"""Seconds that it may take to make the requests."""


class Loader:
    """Carries out one order after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def started(cls, cores: frozenset[int]) -> AsyncIterator["Loader"]:
        """On these cores, until the end of the block."""
        with on(cores):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bench.http_load"),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        try:
            yield cls(process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def apply(self, order: Order) -> Seen:
        """Have it carried out. Raises RuntimeError where the load generator ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
        async with asyncio.timeout(PREPARING + order.seconds + PATIENCE):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load generator ended; what it said is above")
        return Seen(**json.loads(line))
