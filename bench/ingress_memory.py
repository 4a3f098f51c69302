"""Memory of one ingress over 500,000 requests of every kind: does it stay level, and a plot.

64 at once, as fast as it goes, everything that comes to an ingress (bench.ingress_memory_requests).
Each must get the status that is its own. Memory is the resident set (proc(5), VmRSS), read after
each 5,000 requests; what is told is the slope of the straight line through the last half, by least
squares. The first half fills what is kept of published events (`RECADO_REPEATS_MOST`).

The plot goes to docs/images, unless it is only a share of the load.
"""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

import uvloop
from pydantic import JsonValue

from bench.http_load import send
from bench.ingress_memory_plot import PLOT, Sample, draw, slope
from bench.ingress_memory_requests import Mixture, Request
from bench.ingress_servers import Cores, on, recado, started_kafka
from bench.report import Effort, Result, cpu_seconds, quiet
from recado.servicekit import topics
from recado.servicekit.settings import KafkaSettings

EFFORT: Final = Effort(rounds=1, seconds=0.0)
"""Neither counts here; `--share` does."""

REQUESTS: Final = 500_000
STEP: Final = 5_000
CONCURRENCY: Final = 64
PATIENCE: Final = 60.0
"""Seconds that a step may take; beyond that it counts as hung."""


def run(effort: Effort) -> Result:
    """Measure; needs nothing running."""
    quiet()
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as folder:
        return uvloop.run(_run(effort, Path(folder)))


async def _run(effort: Effort, folder: Path) -> Result:
    cores = Cores.divided()
    steps = max(round(REQUESTS * effort.share / STEP), 4)
    with on(cores.rest):
        async with started_kafka(folder / "kafka", cores.rest) as kafka:
            await topics.apply(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap))
            believed = {"RECADO_TRUSTED_PROXIES": "127.0.0.0/8"}
            async with recado(kafka.bootstrap, folder, cores.server, **believed) as ingress:
                before = cpu_seconds(ingress.pid)
                began = perf_counter()
                taken, counted = await load(ingress.port, ingress.pid, steps)
                took = perf_counter() - began
                cpu = cpu_seconds(ingress.pid) - before
    whole = effort.share >= 1
    if whole:
        draw(taken)
    return result(taken, counted, took, cpu, plotted=whole)


async def load(port: int, pid: int, steps: int) -> tuple[list[Sample], Counter[str]]:
    """All requests; memory after each step, and how many there were of each kind.

    Raises RuntimeError where one got another status than it must.
    """
    mixture = Mixture(seed=6)
    taken = [sample(pid, 0)]
    counted: Counter[str] = Counter()
    for step in range(1, steps + 1):
        requests = mixture.draw(STEP)
        answered = await send(
            port, [one.content for one in requests], CONCURRENCY, seconds=PATIENCE
        )
        check(requests, {number: status for number, status, _ in answered})
        counted.update(one.kind for one in requests)
        taken.append(sample(pid, step * STEP))
    return taken, counted


def check(requests: Sequence[Request], statuses: Mapping[int, int]) -> None:
    """Raises RuntimeError unless each was answered as it must be."""
    for number, one in enumerate(requests):
        found = statuses.get(number)
        if found != one.status:
            raise RuntimeError(f"{one.kind}: {found or 'no answer'}, not {one.status}")


def sample(pid: int, requests: int) -> Sample:
    """The memory of a process now."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return Sample(requests, *(int(status[name].split()[0]) for name in ("VmRSS", "RssAnon")))


def result(
    taken: Sequence[Sample], counted: Mapping[str, int], took: float, cpu: float, *, plotted: bool
) -> Result:
    """What was seen, for people and as data."""
    last = taken[len(taken) // 2 :]
    total, grows = taken[-1].requests, slope(last)
    highest = max(taken, key=lambda one: one.resident)
    first, half, end, most = (
        one.resident / 1024 for one in (taken[0], last[0], taken[-1], highest)
    )
    memory = f"{first:.1f} at first, {half:.1f} after half, {end:.1f} at last, {most:.1f} at most"
    lines = [
        f"{total} requests, {total / took:.0f} a second, {cpu / total * 1e6:.0f} µs CPU each",
        *(f"{number:10}  {kind}" for kind, number in sorted(counted.items())),
        f"resident, MiB: {memory}",
        f"slope of the last half: {grows:+.1f} KiB for 10,000 requests",
        f"plotted in {PLOT}" if plotted else f"a share only: {PLOT} is as it was",
    ]
    figures: dict[str, JsonValue] = {
        "requests": total,
        "requests_per_second": round(total / took, 1),
        "kinds": dict(counted),
        "slope_kib_per_10000_requests": round(grows, 2),
        "samples": [list(one) for one in taken],
        "sample": list(Sample._fields),
    }
    return Result("\n".join(lines), figures)
