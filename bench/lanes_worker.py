"""One contender of the lanes benchmark, in a process of its own; prints what it measured as JSON.

Arguments: contender, workload, bootstrap servers, topic, group, and for a run that is to be killed
a file that gets a line per handled record.
"""

import asyncio
import heapq
import json
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from bench.lanes_load import CONCURRENCY, WORKLOADS, Workload, others
from recado_lanes import BaseObserver, LaneOptions, Record
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions
from recado_lanes.testing import FakeDeadLetters

IDLE = 60.0


class Meter:
    """Handles records, and measures from the first one on."""

    def __init__(self, workload: Workload, log: Path | None) -> None:
        self.load = workload.draw()
        self.left = len(self.load)
        self.done = asyncio.Event()
        self._others = others(self.load, workload)
        self._others_left = sum(key in self._others for key, _ in self.load)
        self._began = 0.0
        self._cpu = 0.0
        self._others_took = 0.0
        self._log = None if log is None else os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def handle(self, number: int) -> None:
        """The work of one record."""
        if not self._began:
            self._began, self._cpu = time.monotonic(), time.process_time()
        key, seconds = self.load[number]
        if seconds:
            await asyncio.sleep(seconds)
        if self._log is not None:
            os.write(self._log, b"%d\n" % number)
        self.left -= 1
        if key in self._others:
            self._others_left -= 1
            if not self._others_left:
                self._others_took = time.monotonic() - self._began
        if not self.left:
            self.done.set()

    def report(self) -> dict[str, float]:
        """Seconds in all and of the others, CPU microseconds a record, memory."""
        return {
            "seconds": time.monotonic() - self._began,
            "others_seconds": self._others_took,
            "cpu": (time.process_time() - self._cpu) / len(self.load) * 1e6,
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


async def lanes(meter: Meter, bootstrap: str, topic: str, group: str) -> None:
    """recado_lanes under FastStream, as a service uses it, untyped and untraced."""

    async def handle(record: Record) -> None:
        await meter.handle(int(record.value or b""))

    broker = KafkaBroker(bootstrap, allow_auto_create_topics=False, logger=None)
    attached = attach(
        broker,
        handlers={topic: handle},
        dead_letters=FakeDeadLetters(),
        group=GroupOptions(group_id=group, session_timeout=timedelta(seconds=6)),
        options=LaneOptions(
            service="bench", concurrency=CONCURRENCY, high_water=4000, low_water=3000
        ),
        observer=BaseObserver(),
    )
    await serve(broker, attached, meter.done)


async def memory(meter: Meter, _bootstrap: str, _topic: str, _group: str) -> None:
    """The floor: bare asyncio doing the same sleeps from memory, the longest backlog first."""
    waiting: dict[int, list[int]] = defaultdict(list)
    for number, (key, _) in enumerate(meter.load):
        waiting[key].append(number)
    heap = [(-len(numbers), key) for key, numbers in waiting.items()]
    heapq.heapify(heap)
    free = asyncio.Semaphore(0)

    async def work() -> None:
        while meter.left:
            while not heap:
                await free.acquire()
                if not meter.left:
                    return
            _, key = heapq.heappop(heap)
            await meter.handle(waiting[key].pop(0))
            if waiting[key]:
                heapq.heappush(heap, (-len(waiting[key]), key))
                free.release()

    workers = [asyncio.create_task(work()) for _ in range(CONCURRENCY)]
    await meter.done.wait()
    for worker in workers:
        worker.cancel()


async def getmany(meter: Meter, bootstrap: str, topic: str, group: str) -> None:
    """The floor of 0 ms: aiokafka's `getmany`, one handler after another."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        while not meter.done.is_set():
            for records in (await consumer.getmany(timeout_ms=200, max_records=500)).values():
                for record in records:
                    await meter.handle(int(record.value or b""))
    finally:
        await consumer.stop()


async def gather(meter: Meter, bootstrap: str, topic: str, group: str) -> None:
    """FastStream in batches, each key's records in order, all keys of a batch at once."""
    broker = KafkaBroker(bootstrap, allow_auto_create_topics=False, logger=None)

    @broker.subscriber(
        topic,
        batch=True,
        batch_timeout_ms=10,
        max_records=500,
        group_id=group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
    )
    async def take(_bodies: list[bytes], message: KafkaMessage) -> None:
        raw: tuple[ConsumerRecord, ...] = message.raw_message
        keys: dict[bytes, list[ConsumerRecord]] = defaultdict(list)
        for record in raw:
            keys[record.key].append(record)

        async def one(records: list[ConsumerRecord]) -> None:
            for record in records:
                await meter.handle(int(record.value))

        await asyncio.gather(*map(one, keys.values()))
        await message.ack()

    await broker.start()
    try:
        await meter.done.wait()
    finally:
        await broker.stop()


CONTENDERS: dict[str, Callable[[Meter, str, str, str], Awaitable[None]]] = {
    "lanes": lanes,
    "memory": memory,
    "getmany": getmany,
    "gather": gather,
}


async def main(contender: str, name: str, place: list[str], log: Path | None) -> None:
    """Run one contender to its end."""
    (workload,) = [one for one in WORKLOADS if one.name == name]
    meter = Meter(workload, log)
    await CONTENDERS[contender](meter, *place)
    sys.stdout.write(json.dumps(meter.report()) + "\n")


if __name__ == "__main__":
    _, contender, name, *place = sys.argv
    asyncio.run(main(contender, name, place[:3], Path(place[3]) if place[3:] else None))
