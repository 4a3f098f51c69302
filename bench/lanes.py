"""Lanes on a real Kafka beside what they can't beat and what they are compared with.

Six partitions, one consumer process, 256 keys at once. Efficiency is the time that concurrency and
key order allow, divided by the time from the first record to the last; the floor is bare asyncio
doing the same sleeps from memory, the longest backlog first, in the same run. `others` are the
keys without a slow record (W3), or all but the hottest (Zipf), against the floor's time for them.
CPU is that of the consumer's process a record, from the first record on; memory its peak.
`broken order`: records that began while another of their key was in work, or after a later one.
`killed`: SIGKILL at half of the records, another process takes over.

An efficiency above 1 is what breaking the order gains.

A peer that would take minutes gets the first records of the load and is compared to the bound and
the floor of these alone; the rate is records a second. Where records take no time (W4), all are
measured several times in turn, and the median counts; there lanes are measured typed and traced
too, on records that are events.
"""

import asyncio
import json
import sys
import tempfile
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from bench.lanes_load import WORKLOADS, Workload
from bench.lanes_topics import events, kafka, numbers, write
from bench.report import Effort, Result, median

EFFORT: Final = Effort(rounds=3, seconds=5.0)
"""Rounds are those of W4; the seconds do not apply."""

PATIENCE: Final = 300.0
EVENTS: Final = frozenset({"decoded", "typed", "traced"})
"""Contenders that read events rather than numbers."""

Plan = Mapping[str, int | None]
"""Contenders, with the number of records that they get; None: all."""

PLANS: Final[Mapping[str, Plan]] = MappingProxyType(
    {
        "W1": {"lanes": None, "gather": None, "concurrent": None, "workers": 2_000},
        "W2": {"lanes": None, "gather": None, "concurrent": None, "workers": 100},
        "W3": {"lanes": None, "concurrent": None, "gather": 1_000, "workers": 1_000},
        "Zipf": {"lanes": None, "concurrent": 2_000, "gather": 2_000, "workers": 2_000},
        "W4": {
            "getmany": None,
            "lanes": None,
            "gather": None,
            "concurrent": 10_000,
            "workers": 10_000,
            "decoded": None,
            "typed": None,
            "traced": None,
        },
    }
)

SHOWN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "memory": "bare asyncio, from memory",
        "getmany": "bare getmany",
        "decoded": "bare getmany, decoded",
        "typed": "lanes, typed, metrics",
        "traced": "lanes, typed, traced",
        "gather": "FastStream, batch, gather",
        "workers": "FastStream, max_workers=6",
        "concurrent": "faststream-concurrent-…",
    }
)

Figures = dict[str, float]


def run(effort: Effort) -> Result:
    """All workloads."""
    return asyncio.run(_run(effort))


async def _run(effort: Effort) -> Result:
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as directory:
        async with kafka(Path(directory)) as bootstrap:
            bench = Bench(bootstrap, Path(directory), effort)
            for workload in WORKLOADS:
                await bench.workload(workload)
            for name in ("W1", "W3"):
                await bench.killed(next(one for one in WORKLOADS if one.name == name))
            return Result("\n".join(bench.lines), {"workloads": bench.figures})


class Bench:
    """Runs workloads against one Kafka and keeps what came out."""

    def __init__(self, bootstrap: str, directory: Path, effort: Effort) -> None:
        self.lines: list[str] = []
        self.figures: dict[str, JsonValue] = {}
        self._bootstrap = bootstrap
        self._directory = directory
        self._effort = effort
        self._topics: dict[tuple[str, int, bool], str] = {}

    async def workload(self, workload: Workload) -> None:
        """Every contender that makes sense, one after another, each load with its floor."""
        found: dict[str, Figures] = {}
        if workload.seconds:
            floors: dict[int, Figures] = {}
            for contender, share in PLANS[workload.name].items():
                part = self._part(workload, share)
                if part.records not in floors:
                    floors[part.records] = await self._measure("memory", part)
                found[contender] = await self._measure(contender, part)
                _compare(found[contender], part, floors[part.records])
            whole = self._part(workload, None)
            found = {"memory": floors[whole.records], **found}
            _compare(found["memory"], whole, found["memory"])
        else:
            found = await self._in_turn(workload)
        self.lines.append(f"{workload.name}: {workload.what}")
        self.lines += (_line(name, one, workload) for name, one in found.items())
        self.figures[workload.name] = {
            "what": workload.what,
            **{name: {k: round(v, 3) for k, v in one.items()} for name, one in found.items()},
        }

    async def killed(self, workload: Workload) -> None:
        """Kill the consumer at half, let another finish; what was lost, repeated, out of order."""
        workload = self._part(workload, None)
        topic = await self._topic(workload, of_events=False)
        place = [self._bootstrap, topic, f"bench-{uuid.uuid4().hex[:8]}"]
        logs = [self._directory / f"{place[2]}-{n}" for n in range(2)]
        victim = await _start("lanes", workload, [*place, str(logs[0])])
        async with asyncio.timeout(PATIENCE):
            while len(_numbers(logs[0])) < workload.records // 2:  # noqa: ASYNC110 - a process
                await asyncio.sleep(0.02)
        victim.kill()
        await victim.wait()
        heir = await _start("lanes", workload, [*place, str(logs[1])])
        first = _numbers(logs[0])
        try:
            async with asyncio.timeout(PATIENCE):
                while len({*first, *_numbers(logs[1])}) < workload.records:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pass  # what is lost is told below
        heir.kill()
        await heir.wait()
        second = _numbers(logs[1])
        lost = workload.records - len({*first, *second})
        twice = sum(count - 1 for count in Counter([*first, *second]).values())
        disorder = _disorder(workload, first) + _disorder(workload, second)
        name = f"{workload.name} killed"
        self.figures[name] = {"lost": lost, "twice": twice, "out_of_order": disorder}
        self.lines.append(f"{name}: lost {lost}, handled twice {twice}, out of order {disorder}")

    async def _in_turn(self, workload: Workload) -> dict[str, Figures]:
        rounds: dict[str, list[Figures]] = defaultdict(list)
        for _ in range(self._effort.rounds):
            for contender, share in PLANS[workload.name].items():
                # A peer with a part of the load is far from the others: once is enough.
                if share is None or not rounds[contender]:
                    part = self._part(workload, share)
                    rounds[contender].append(await self._measure(contender, part))
        return {
            name: {key: median([one[key] for one in all_of_it]) for key in all_of_it[0]}
            for name, all_of_it in rounds.items()
        }

    def _part(self, workload: Workload, records: int | None) -> Workload:
        return workload.first(int((records or workload.records) * self._effort.share))

    async def _measure(self, contender: str, workload: Workload) -> Figures:
        topic = await self._topic(workload, of_events=contender in EVENTS)
        group = f"bench-{uuid.uuid4().hex[:8]}"
        process = await _start(contender, workload, [self._bootstrap, topic, group])
        try:
            async with asyncio.timeout(PATIENCE):
                out, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise RuntimeError(f"{contender} ended with status {process.returncode}")
        found: Figures = json.loads(out.splitlines()[-1])
        return found

    async def _topic(self, workload: Workload, *, of_events: bool) -> str:
        key = workload.name, workload.records, of_events
        if key not in self._topics:
            records = events(workload) if of_events else numbers(workload)
            self._topics[key] = await write(self._bootstrap, workload.name, records)
        return self._topics[key]


async def _start(
    contender: str, workload: Workload, place: Sequence[str]
) -> asyncio.subprocess.Process:
    what = [contender, workload.name, str(workload.records)]
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.lanes_worker", *what, *place),
        stdout=asyncio.subprocess.PIPE,
    )


def _compare(one: Figures, workload: Workload, floor: Figures) -> None:
    handled = 1 - one["lost"] / workload.records
    one["rate"] = workload.records * handled / one["seconds"]
    one["efficiency"] = workload.bound() * handled / one["seconds"]
    # What lost some of the others has no time for them.
    if took := one["others_seconds"]:
        one["others"] = floor["others_seconds"] / took


def _line(name: str, one: Figures, workload: Workload) -> str:
    line = f"  {SHOWN.get(name, name):26}{one['cpu']:7.1f} µs CPU {one['memory']:5.0f} MiB"
    if "efficiency" in one:
        line += f"{one['rate']:7.0f}/s  efficiency {one['efficiency']:.3f}"
        if (workload.slow_every or workload.zipf) and "others" in one:
            line += f", others {one['others']:.3f} of the floor"
    line += f"  lost {one['lost']:.0f}, broken order {one['out_of_order']:.0f}"
    if one["records"] < workload.records:
        line += f"  (first {one['records']:,.0f} records)"
    return line


def _numbers(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split()] if log.exists() else []


def _disorder(workload: Workload, numbers: list[int]) -> int:
    """How often a process did a record of a key after a later one."""
    load = workload.draw()
    last: dict[int, int] = defaultdict(lambda: -1)
    wrong = 0
    for number in numbers:
        key, _ = load[number]
        wrong += number < last[key]
        last[key] = max(last[key], number)
    return wrong
