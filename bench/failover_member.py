"""A member of the group whose failover is measured; SIGTERM stops it as it stops a service.

Arguments: bootstrap servers, topic, group, session time-out in seconds (0: that of `GroupOptions`),
and a file that gets a line for each record when it is done: time (CLOCK_MONOTONIC, one for all
processes of a machine), partition, number.
"""

import asyncio
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from bench.lanes_ours import prepare
from bench.report import quiet
from recado_lanes import Record
from recado_lanes.faststream import serve
from recado_lanes.kafka import GroupOptions

RECORD_SECONDS: Final = 0.02


def group_of(name: str, session: float) -> GroupOptions:
    """The group with a session time-out; 0: the usual one."""
    if not session:
        return GroupOptions(group_id=name)
    return GroupOptions(group_id=name, session_timeout=timedelta(seconds=session))


async def main(bootstrap: str, topic: str, group: GroupOptions, log: Path) -> None:
    """Consume until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def handle(record: Record) -> None:
        await asyncio.sleep(RECORD_SECONDS)
        number = int(record.value or b"")
        os.write(out, f"{time.monotonic():.6f} {record.partition} {number}\n".encode())

    broker, lanes = prepare(bootstrap, topic, group, handle)
    await serve(broker, lanes, stop)


if __name__ == "__main__":
    quiet()
    _, servers, name, group_id, session, file = sys.argv
    asyncio.run(main(servers, name, group_of(group_id, float(session)), Path(file)))
