"""A consumer process to be killed: writes one line to its standard output per handled record.

Arguments: bootstrap servers, topic, group id.
"""

import asyncio
import os
import sys
from datetime import timedelta

from faststream.kafka import KafkaBroker

from recado_lanes import LaneOptions, Record
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions
from recado_lanes.testing import FakeDeadLetters


async def handle(record: Record) -> None:
    await asyncio.sleep(0.03)
    # One unbuffered write, so that a kill leaves whole lines.
    os.write(1, f"{(record.key or b'').decode()} {record.offset}\n".encode())


async def main(bootstrap: str, topic: str, group_id: str) -> None:
    broker = KafkaBroker(bootstrap, allow_auto_create_topics=False, logger=None)
    lanes = attach(
        broker,
        handlers={topic: handle},
        dead_letters=FakeDeadLetters(),
        group=GroupOptions(
            group_id=group_id,
            session_timeout=timedelta(seconds=6),
            rebalance_timeout=timedelta(seconds=15),
            heartbeat_interval=timedelta(milliseconds=300),
        ),
        options=LaneOptions(
            service="worker",
            commit_interval=timedelta(milliseconds=200),
            drain_budget=timedelta(seconds=5),
            cancel_grace=timedelta(seconds=1),
        ),
    )
    await serve(broker, lanes, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
