"""One step of the curve, in a process of its own; prints what it measured as JSON.

Arguments: seconds that a record takes, concurrency, number of records after which it ends,
bootstrap servers, topic, group.
"""

import asyncio
import json
import sys
import time

from bench.lanes_ours import group_of, prepare
from bench.report import peak_memory_mib, quiet
from recado_lanes import Record
from recado_lanes.faststream import serve


class Step:
    """Handles so many records, and measures from the first one on."""

    def __init__(self, seconds: float, records: int) -> None:
        self.done = asyncio.Event()
        self._seconds = seconds
        self._records = self._left = records
        self._began = self._took = 0.0
        self._cpu = 0.0

    async def handle(self, _record: Record) -> None:
        """The work of one record."""
        if not self._began:
            self._began, self._cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(self._seconds)
        self._left -= 1
        if not self._left:
            self._took = time.monotonic() - self._began
            self._cpu = time.process_time() - self._cpu
            self.done.set()

    def report(self) -> dict[str, float]:
        """Seconds in all, CPU microseconds a record, memory."""
        return {
            "seconds": self._took,
            "cpu": self._cpu / self._records * 1e6,
            "memory": peak_memory_mib(),
        }


async def main(seconds: float, concurrency: int, records: int, place: list[str]) -> None:
    """Run one step to its end."""
    bootstrap, topic, group = place
    step = Step(seconds, records)
    broker, lanes = prepare(bootstrap, topic, group_of(group), step.handle, concurrency=concurrency)
    await serve(broker, lanes, step.done)
    sys.stdout.write(json.dumps(step.report()) + "\n")


if __name__ == "__main__":
    quiet()
    _, took, at_once, count, *rest = sys.argv
    asyncio.run(main(float(took), int(at_once), int(count), rest))
