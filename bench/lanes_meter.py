"""What handles the records of the lanes benchmark, the same for every contender, and measures."""

import asyncio
import os
import time
from pathlib import Path
from typing import Final

from bench.lanes_load import Workload, others
from bench.report import peak_memory_mib

PATIENCE: Final = 30.0
"""Seconds without a record after which what has not come counts as lost."""


class Meter:
    """Handles records, and measures from the first one on to the last.

    A record breaks the order if it begins while another of its key is in work, or after a later one
    of its key.
    """

    def __init__(self, workload: Workload, log: Path | None = None) -> None:
        self.load = workload.draw()
        self.left = len(self.load)
        self.done = asyncio.Event()
        self._others = others(self.load, workload)
        self._others_left = sum(key in self._others for key, _ in self.load)
        self._others_took = 0.0
        self._began = self._ended = 0.0
        self._cpu_began = self._cpu_ended = 0.0
        self._in_work = [0] * workload.keys
        self._latest = [-1] * workload.keys
        self._seen = bytearray(len(self.load))
        self._twice = 0
        self._out_of_order = 0
        self._log = None if log is None else os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def handle(self, number: int) -> None:
        """The work of one record."""
        if not self._began:
            self._began, self._cpu_began = time.monotonic(), time.process_time()
        key, seconds = self.load[number]
        if self._in_work[key] or number < self._latest[key]:
            self._out_of_order += 1
        self._in_work[key] += 1
        self._latest[key] = number
        if seconds:
            await asyncio.sleep(seconds)
        self._in_work[key] -= 1
        if self._log is not None:
            os.write(self._log, b"%d\n" % number)
        if self._seen[number]:
            self._twice += 1
            return
        self._seen[number] = 1
        self.left -= 1
        if key in self._others:
            self._others_left -= 1
            if not self._others_left:
                self._others_took = time.monotonic() - self._began
        if not self.left:
            self._end()

    async def finished(self) -> None:
        """Wait until all is handled, or nothing has come for `PATIENCE` seconds."""
        while not self.done.is_set():
            left = self.left
            try:
                async with asyncio.timeout(PATIENCE):
                    await self.done.wait()
            except TimeoutError:
                if self.left == left:
                    self._end()

    def _end(self) -> None:
        self._ended, self._cpu_ended = time.monotonic(), time.process_time()
        self.done.set()

    def report(self) -> dict[str, float]:
        """Seconds in all and of the others, CPU microseconds a record, memory, what went wrong."""
        handled = len(self.load) - self.left
        return {
            "records": len(self.load),
            "seconds": self._ended - self._began,
            "others_seconds": self._others_took,
            "cpu": (self._cpu_ended - self._cpu_began) / max(handled, 1) * 1e6,
            "memory": peak_memory_mib(),
            "lost": self.left,
            "twice": self._twice,
            "out_of_order": self._out_of_order,
        }
