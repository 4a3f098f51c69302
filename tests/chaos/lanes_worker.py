"""A consumer process to be killed: a line to its standard output for whatever it begins and ends.

Its process id, then `assigned`, when it has got partitions, or `begun` or `done`, with the record's
key, value, partition and offset. Arguments: bootstrap servers, topic, group id.
"""

import asyncio
import logging
import os
import random
import signal
import sys
from collections.abc import Collection
from datetime import timedelta

from faststream.kafka import KafkaBroker

from recado_lanes import BaseObserver, LaneOptions, Partition, Record
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions
from recado_lanes.testing import FakeDeadLetters


def say(*words: bytes | int) -> None:
    # One unbuffered write, so that a kill leaves whole lines.
    line = [b"%d" % word if isinstance(word, int) else word for word in (os.getpid(), *words)]
    os.write(1, b" ".join(line) + b"\n")


def say_of(word: bytes, record: Record) -> None:
    say(word, record.key or b"", record.value or b"", record.partition, record.offset)


class Assignments(BaseObserver):
    """Says that there was one."""

    def assigned(self, partitions: Collection[Partition]) -> None:
        if partitions:
            say(b"assigned")


async def handle(record: Record) -> None:
    say_of(b"begun", record)
    # 50 ms on average. All alike would end in the order of their offsets, and leave no gaps.
    await asyncio.sleep(random.uniform(0, 0.1))
    say_of(b"done", record)


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
        observer=Assignments(),
    )
    until = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, until.set)
    await serve(broker, lanes, until)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
