"""Answers from Kafka to a platform of 0 ms, beside a bare post and the writes of a delivery.

A round has the dispatcher's process deliver so many answers, then the floor's as many, with as
much under way as the dispatcher sends at once. Then answers one at a time. Last, what each event
asks of MongoDB is counted. Every part has a process of its own: Kafka, MongoDB (or what stands in
for it) and the platforms share the cores, so of a machine with few of them CPU says more than rates
do.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from bench.dispatcher_counting import WHOLE, requests
from bench.dispatcher_floor import WARM_UP, WRITES
from bench.dispatcher_scene import Load, Scene, scene
from bench.pipeline import quantile
from bench.report import Effort, Result, median
from recado.dispatcher.settings import DispatcherSettings

EFFORT: Final = Effort(rounds=3, seconds=5.0)

PER_SECOND: Final = 80
"""Answers of a round for each second of the effort asked for."""

ALONE: Final = 8
"""Answers one at a time, likewise."""

_QUANTILES: Final = (("p50", 0.5), ("p99", 0.99))

FLOOR_FIRST: Final = 1_000_000
"""The floor's customers begin here."""


def run(effort: Effort) -> Result:
    """Measure; the result."""
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_run(effort, Path(directory)))


async def _run(effort: Effort, directory: Path) -> Result:
    answers = max(1, round(effort.seconds * PER_SECOND * effort.share))
    under_way = DispatcherSettings().sending
    floor_first = FLOOR_FIRST
    full: list[Load] = []
    alone: list[Load] = []
    floors: list[Load] = []
    async with scene(directory) as ready:
        await ready.deliver(under_way, under_way)
        for _ in range(effort.rounds):
            full.append(await ready.deliver(answers, under_way))
            floors.append(await _floor(ready, floor_first, answers, under_way))
            floor_first += WARM_UP + answers
            one_by_one = max(1, round(effort.seconds * ALONE * effort.share))
            alone.append(await ready.deliver(one_by_one, 1))
        counted = await requests(ready.mongodb)
    return _result(full, alone, floors, counted)


async def _floor(ready: Scene, first: int, answers: int, under_way: int) -> Load:
    await ready.known([*range(first, first + WARM_UP + answers)])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.dispatcher_floor", ready.standins, ready.mongodb),
        *(str(number) for number in (first, answers, under_way)),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("the floor failed")
    took = json.loads(told)
    return Load(answers, took["seconds"], took["cpu"], [])


def _result(
    full: Sequence[Load],
    alone: Sequence[Load],
    floors: Sequence[Load],
    counted: dict[str, dict[str, float]],
) -> Result:
    ours, bare = _of(full), _of(floors)
    rates, cpu = ours["rate"] / bare["rate"], ours["cpu_ms"] / bare["cpu_ms"]
    waits = {
        "one at a time": [wait for load in alone for wait in load.waits],
        "full": [wait for load in full for wait in load.waits],
    }
    lines = [
        f"{sum(load.delivered for load in full)} answers each, 0 ms platforms",
        "",
        f"{'':<24}{'a second':>10}{'CPU ms':>9}",
        f"{'dispatcher':<24}{ours['rate']:>10.0f}{ours['cpu_ms']:>9.2f}",
        f"{f'floor: post, {WRITES} writes':<24}{bare['rate']:>10.0f}{bare['cpu_ms']:>9.2f}",
        f"{'dispatcher / floor':<24}{rates:>10.2f}{cpu:>9.2f}",
        "",
        f"{'event to platform, ms':<24}{'p50':>10}{'p99':>9}",
        *(
            f"{load:<24}{quantile(times, 0.5) * 1e3:>10.1f}{quantile(times, 0.99) * 1e3:>9.1f}"
            for load, times in waits.items()
        ),
        "",
        f"{'requests to MongoDB':<24}{'one by one':>10}{'at once':>9}",
        *(
            f"{kind:<24}{each['one by one']:>10.1f}{each['at once']:>9.2f}"
            for kind, each in counted.items()
        ),
        "",
        "whole: " + ", ".join(f"{times} {kind}" for kind, times in WHOLE.items()),
    ]
    figures: dict[str, JsonValue] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "answers": sum(load.delivered for load in full),
        "dispatcher": {**ours},
        "floor": {**bare, "writes": WRITES},
        "ratio_of_rates": round(rates, 2),
        "ratio_of_cpu": round(cpu, 2),
        "event_to_platform_ms": {
            load: {name: round(quantile(times, q) * 1e3, 2) for name, q in _QUANTILES}
            for load, times in waits.items()
        },
        "requests_to_mongodb": {
            kind: {way: round(number, 2) for way, number in each.items()}
            for kind, each in counted.items()
        },
    }
    return Result("\n".join(lines), figures)


def _of(loads: Sequence[Load]) -> dict[str, float]:
    """Of the rounds' medians: answers a second and CPU milliseconds an answer."""
    return {
        "rate": round(median([load.delivered / load.seconds for load in loads]), 1),
        "cpu_ms": round(median([load.cpu / load.delivered for load in loads]) * 1e3, 3),
    }
