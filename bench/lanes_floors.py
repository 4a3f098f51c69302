"""What no contender can beat: bare asyncio without Kafka, and aiokafka without anything."""

import asyncio
import heapq
from collections import defaultdict

from aiokafka import AIOKafkaConsumer

from bench.lanes_load import CONCURRENCY
from bench.lanes_meter import Meter


async def memory(meter: Meter, _bootstrap: str, _topic: str, _group: str) -> None:
    """Bare asyncio doing the same sleeps from memory, the longest backlog first."""
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
    """aiokafka's `getmany`, one record after another; fetches and polls as lanes do."""
    consumer = make_consumer(bootstrap, topic, group)
    await consumer.start()
    try:
        while not meter.done.is_set():
            for records in (await consumer.getmany(timeout_ms=200, max_records=500)).values():
                for record in records:
                    await meter.handle(int(record.value or b""))
    finally:
        await consumer.stop()


def make_consumer(bootstrap: str, topic: str, group: str) -> AIOKafkaConsumer:
    """A consumer with the options that lanes' own has; both leave fetch sizes to the client.

    It commits nothing. Lanes' commits are part of what lanes cost.
    """
    return AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        session_timeout_ms=6000,
        heartbeat_interval_ms=2000,
    )
