"""What lanes do from one key at once to 1,024: throughput, CPU a record and memory, and a plot.

Six partitions, 8,192 keys, each step a process and a group of its own on the same topic, which has
more records than any step handles. A step has as many records as concurrency would let it handle in
the seconds of the effort; its efficiency is those seconds divided by what it took from the first
record on, and it stops while more wait, so that a tail counts for nothing. Records of 50 ms ask for
20,480 a second at the end, which no single core of Python does; those of 1 s for 1,024.

The plot goes to docs/images, whatever the effort was.
"""

import asyncio
import json
import random
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from bench.lanes_curve_plot import PLOT, draw
from bench.lanes_topics import Written, kafka, write
from bench.report import Effort, Result

EFFORT: Final = Effort(rounds=1, seconds=10.0)
"""One round: a curve has many points."""

PATIENCE: Final = 120.0
KEYS: Final = 8_192
STEPS: Final[Mapping[float, tuple[int, ...]]] = MappingProxyType(
    {
        0.05: tuple(2**n for n in range(11)),
        1.0: (16, 64, 256, 1_024),
    }
)
"""Concurrency of each step, by the seconds that a record takes."""

MARGIN: Final = 1.1
"""So many records more than are handled, so that no partition runs dry before the others."""


def run(effort: Effort) -> Result:
    """The curve, and its plot."""
    return asyncio.run(_run(effort))


async def _run(effort: Effort) -> Result:
    most = max(_records(max(steps), took, effort) for took, steps in STEPS.items())
    steps: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as directory:
        async with kafka(Path(directory)) as bootstrap:
            topic = await write(bootstrap, "curve", _load(int(most * MARGIN) + KEYS))
            for took, concurrencies in STEPS.items():
                for concurrency in concurrencies:
                    records = _records(concurrency, took, effort)
                    steps.append(await _step(took, concurrency, records, bootstrap, topic))
    draw(steps)
    figures: list[JsonValue] = [{**step} for step in steps]
    lines = [_line(step) for step in steps]
    return Result("\n".join([*lines, f"plotted in {PLOT}"]), {"steps": figures})


def _records(concurrency: int, took: float, effort: Effort) -> int:
    return concurrency * max(round(effort.seconds / took), 1)


def _load(records: int) -> Iterator[Written]:
    rng = random.Random(5)
    for number in range(records):
        yield b"customer-%d" % rng.randrange(KEYS), b"%d" % number, []


async def _step(
    took: float, concurrency: int, records: int, bootstrap: str, topic: str
) -> dict[str, float]:
    group = f"curve-{uuid.uuid4().hex[:8]}"
    arguments = [str(took), str(concurrency), str(records), bootstrap, topic, group]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.lanes_curve_worker", *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"the step of {concurrency} ended with status {process.returncode}")
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return {
        "record_seconds": took,
        "concurrency": concurrency,
        "records": records,
        "records_per_second": round(records / found["seconds"], 2),
        "efficiency": round(records * took / concurrency / found["seconds"], 4),
        "cpu": round(found["cpu"], 1),
        "core": round(found["cpu"] * records / found["seconds"] / 1e6, 3),
        "memory": round(found["memory"], 1),
    }


def _line(step: Mapping[str, float]) -> str:
    return (
        f"{step['record_seconds'] * 1000:5.0f} ms  {step['concurrency']:5.0f} at once"
        f"{step['records_per_second']:10.1f}/s  efficiency {step['efficiency']:.3f}"
        f"{step['cpu']:8.1f} µs CPU ({step['core']:.2f} of a core){step['memory']:6.0f} MiB"
    )
