"""What every benchmark needs: the machine it ran on, a process's CPU time, a place for results."""

import json
import logging
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from pydantic import JsonValue

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure."""

    rounds: int
    seconds: float
    share: float = 1.0
    """This share of the load, where a benchmark has one: below 1 it only shows that it runs."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a benchmark found: for people, and as data."""

    text: str
    figures: Mapping[str, JsonValue]


Benchmark: TypeAlias = Callable[[Effort], Result]


def machine() -> dict[str, JsonValue]:
    """The machine, and how busy it was with other things."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    models = [
        line.partition(":")[2].strip() for line in cpuinfo.splitlines() if "model name" in line
    ]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": list(os.getloadavg()),
    }


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, user and system, all its threads (proc(5), /proc/pid/stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def peak_memory_mib() -> float:
    """The most memory that this process ever held (proc(5), VmHWM).

    `getrusage` would tell that of the process which started it, where that was more.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("this system does not tell how much memory a process held")


def quiet() -> None:
    """Have aiokafka not tell of rebalances and of new topics without leaders: they are meant."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def median(values: list[float]) -> float:
    """The middle value; of an even number, the lower one of the middle."""
    return sorted(values)[(len(values) - 1) // 2]


def save(name: str, result: Result, effort: Effort, before: Mapping[str, JsonValue]) -> Path:
    """Keep a result with the machine that it was measured on; its file."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    file = RESULTS / f"{name}-{now:%Y-%m-%dT%H%M%SZ}.json"
    content = {
        "benchmark": name,
        "at": now.isoformat(timespec="seconds"),
        "machine": dict(before),
        "effort": asdict(effort),
        **result.figures,
    }
    file.write_text(json.dumps(content, indent=2) + "\n")
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
