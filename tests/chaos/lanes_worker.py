"""A consumer process to be killed: a line to its standard output as a record begins and ends.

Arguments: bootstrap servers, topic, group id.
"""

import asyncio
import logging
import os
import signal
import sys
from datetime import timedelta

from faststream.kafka import KafkaBroker

from recado_lanes import LaneOptions, Record
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions
from recado_lanes.testing import FakeDeadLetters


def say(word: bytes, record: Record) -> None:
    # One unbuffered write, so that a kill leaves whole lines.
    os.write(1, b"%s %s %s\n" % (word, record.key or b"", record.value or b""))


async def handle(record: Record) -> None:
    say(b"begun", record)
    await asyncio.sleep(0.05)
    say(b"done", record)


async def main(bootstrap: str, topic: str, group_id: str) -> None:
    # It tells of an outage at length.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
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
            service="chaos", drain_budget=timedelta(seconds=5), cancel_grace=timedelta(seconds=1)
        ),
    )
    until = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, until.set)
    await serve(broker, lanes, until)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
