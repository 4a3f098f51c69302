"""One contender of the lanes benchmark, in a process of its own; prints what it measured as JSON.

Arguments: contender, workload, number of records, bootstrap servers, topic, group, and for a run
that is to be killed a file that gets a line per handled record. A contender's module is imported
only by its process, for imports are most of the memory.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from bench.lanes_load import workload
from bench.lanes_meter import Meter
from bench.report import quiet

Contender = Callable[[Meter, str, str, str], Awaitable[None]]
"""Has the meter handle each record of a topic, as a member of a group, until the meter is done."""

MODULES: Mapping[str, str] = MappingProxyType(
    {
        "memory": "bench.lanes_floors",
        "getmany": "bench.lanes_floors",
        "lanes": "bench.lanes_ours",
        "decoded": "bench.lanes_events",
        "typed": "bench.lanes_events",
        "traced": "bench.lanes_events",
        "gather": "bench.lanes_peers",
        "workers": "bench.lanes_peers",
        "concurrent": "bench.lanes_peers",
    }
)


async def main(contender: str, name: str, records: int, place: list[str], log: Path | None) -> None:
    """Run one contender to its end."""
    module = import_module(MODULES[contender])
    run: Contender = getattr(module, contender)
    meter = Meter(workload(name, records), log)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(meter.finished())
        await run(meter, *place)
    sys.stdout.write(json.dumps(meter.report()) + "\n")


if __name__ == "__main__":
    quiet()
    _, contender, name, records, *place = sys.argv
    log = Path(place[3]) if place[3:] else None
    asyncio.run(main(contender, name, int(records), place[:3], log))
