"""A load generator, a process of its own: requests over keep-alive connections.

Each line of stdin is an order, a JSON object with the fields of `Order`; for each it prints a line
of JSON, the fields of `Seen`. What is sent is made and signed before the clock starts; the client
is as small as it can be, so that two cores suffice for it, the server and Kafka.
"""

import asyncio
import gc
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import cast

import uvloop

from bench.ingress_requests import KINDS
from bench.report import cpu_seconds

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 30.0
"""Seconds for the answers that are still to come when the time is up."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to send, and whose CPU time to read when the clock starts and when it stops."""

    port: int
    kind: str
    concurrency: int
    seconds: float
    most: int
    """So many requests are made; when they are used up, the load ends early."""
    pids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What the load generator saw. Times in seconds."""

    requests: int
    seconds: float
    statuses: Mapping[str, int]
    p50: float
    p99: float
    cpu: tuple[float, ...]
    """CPU time of each process that was to be watched."""
    own_cpu: float
    steal: float
    """CPU time that the hypervisor kept from this machine, all cores together."""
    others_cpu: float
    """CPU time of everything else on it, the kernel's interrupts among it."""


Answered = tuple[int, int, float]
"""A request's place in the order of sending, the status it got, and after how many seconds."""


@dataclass
class Load:
    """What the connections share."""

    requests: Iterator[tuple[int, bytes]]
    until: float
    answered: list[Answered] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """One request after the other until the time is up or none is left; then `over` is set.

    Where the server closes the connection between two requests, `over` says so: False.
    """

    def __init__(self, load: Load) -> None:
        self.over: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._load = load
        self._buffer = b""
        self._number = -1
        self._began = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first."""
        # uvloop's is none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)
        self._next(self._transport)

    def data_received(self, data: bytes) -> None:
        """Send the next one when the answer is complete."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        head = self._buffer[:end].lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(self._buffer) < end + length:
            return
        status = int(head[9:12])
        self._load.answered.append((self._number, status, perf_counter() - self._began))
        self._buffer = b""
        self._number = -1
        assert self._transport is not None
        if b"connection: close" in head:
            self._end(self._transport, over=False)
        else:
            self._next(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        if self.over.done():
            return
        if self._number >= 0:
            lost = ConnectionError("the server closed the connection before its answer")
            lost.__cause__ = exc
            self.over.set_exception(lost)
        else:
            self.over.set_result(False)

    def _next(self, transport: asyncio.Transport) -> None:
        following = next(self._load.requests, None) if perf_counter() < self._load.until else None
        if following is None:
            self._end(transport, over=True)
            return
        self._number, request = following
        self._began = perf_counter()
        transport.write(request)

    def _end(self, transport: asyncio.Transport, *, over: bool) -> None:
        self.over.set_result(over)
        transport.close()


async def send(
    port: int, requests: Iterable[bytes], concurrency: int, seconds: float
) -> list[Answered]:
    """Send them, so many at once, for so long at most; every answer, in the order that they came.

    Raises ConnectionError where the server closed a connection instead of answering.
    """
    load = Load(iter(enumerate(requests)), perf_counter() + seconds)

    async def one_by_one() -> None:
        over = False
        while not over:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(load), "127.0.0.1", port
            )
            over = await connection.over

    async with asyncio.timeout(seconds + PATIENCE), asyncio.TaskGroup() as connections:
        for _ in range(concurrency):
            connections.create_task(one_by_one())
    return load.answered


def measure(order: Order) -> Seen:
    """Carry out an order."""
    make = KINDS[order.kind]
    requests = [make() for _ in range(order.most)]
    gc.collect()
    gc.disable()
    before, own, machine = [cpu_seconds(pid) for pid in order.pids], process_time(), cpu_of_all()
    began = perf_counter()
    answered = asyncio.run(send(order.port, requests, order.concurrency, order.seconds))
    took = perf_counter() - began
    own = process_time() - own
    cpu = [cpu_seconds(pid) - was for pid, was in zip(order.pids, before, strict=True)]
    busy, steal = (now - was for now, was in zip(cpu_of_all(), machine, strict=True))
    gc.enable()
    ordered = sorted(seconds for _, _, seconds in answered)
    statuses: dict[str, int] = {}
    for _, status, _ in answered:
        statuses[str(status)] = statuses.get(str(status), 0) + 1
    return Seen(
        requests=len(ordered),
        seconds=took,
        statuses=statuses,
        p50=ordered[len(ordered) // 2],
        p99=ordered[len(ordered) * 99 // 100],
        cpu=tuple(cpu),
        own_cpu=own,
        steal=steal,
        others_cpu=max(busy - own - sum(cpu), 0.0),
    )


def cpu_of_all() -> tuple[float, float]:
    """CPU time of the machine so far: in use, and kept from it (proc(5), /proc/stat)."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = (
        int(one) for one in Path("/proc/stat").read_text().split()[1:9]
    )
    return (user + nice + system + irq + softirq) / TICKS, steal / TICKS


def main() -> int:
    """Orders in, figures out, until stdin ends."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    for line in sys.stdin:
        given = json.loads(line)
        seen = measure(Order(**{**given, "pids": tuple(given["pids"])}))
        sys.stdout.write(json.dumps(asdict(seen)) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
