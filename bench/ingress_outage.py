"""What clients of ingress see when Kafka is killed: how long until the first 503, and then."""

import asyncio
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from pydantic import JsonValue

from bench.ingress_requests import whatsapp
from bench.ingress_servers import on
from recado.devstack.stack.kafka import ApacheKafka

BEFORE: Final = 1.5
"""Seconds of load before Kafka is killed."""

WITHOUT: Final = {16: 7.0, 1: 13.0}
"""Seconds that Kafka is away, by requests at once: long enough for three to have waited in vain,
one after another where there is but one."""

REST: Final = 0.02
"""Seconds between an answer and the next request of a connection."""

PATIENCE: Final = 30.0
SHUT_AFTER: Final = 3
"""So many failures in a row, by default, until ingress says 503 at once."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A request and its answer, by the clock `perf_counter`."""

    sent: float
    came: float
    status: int

    @property
    def took(self) -> float:
        """Seconds."""
        return self.came - self.sent


async def outage(port: int, kafka: ApacheKafka, cores: frozenset[int]) -> dict[str, JsonValue]:
    """Kafka killed and started again, under 16 requests at once and then under one."""
    found: dict[str, JsonValue] = {}
    for concurrency, without in WITHOUT.items():
        answered: list[Answered] = []
        async with asyncio.TaskGroup() as clients:
            tasks = [clients.create_task(_client(port, answered)) for _ in range(concurrency)]
            await asyncio.sleep(BEFORE)
            killed = perf_counter()
            await kafka.kill9()
            await asyncio.sleep(without)
            with on(cores):
                await kafka.start()
            back = perf_counter()
            async with asyncio.timeout(PATIENCE):
                while not _accepted_since(answered, back):  # noqa: ASYNC110 - polled as clients do
                    await asyncio.sleep(REST)
            for task in tasks:
                task.cancel()
        found[f"{concurrency} at once"] = told(answered, killed, back)
    return found


def told(answered: list[Answered], killed: float, back: float) -> dict[str, JsonValue]:
    """What was seen, from the kill until Kafka answered again and the first 200 after that."""
    down = sorted((one for one in answered if killed <= one.came < back), key=lambda one: one.came)
    refused = [one for one in down if one.status == 503]
    if len(refused) < SHUT_AFTER:
        raise RuntimeError(f"there were {len(refused)} answers of 503 while Kafka was away")
    shut = refused[SHUT_AFTER - 1].came
    after = sorted(one.took for one in down if one.sent > shut)
    accepted_again = min(one.came for one in answered if one.came > back and one.status == 200)
    return {
        "first_503_after_s": round(refused[0].came - killed, 3),
        "longest_wait_s": round(max(one.took for one in down), 3),
        "shut_after_s": round(shut - killed, 3),
        "answers_then": len(after),
        "then_p50_ms": round(after[len(after) // 2] * 1e3, 2) if after else None,
        "then_p99_ms": round(after[len(after) * 99 // 100] * 1e3, 2) if after else None,
        "then_longest_ms": round(after[-1] * 1e3, 2) if after else None,
        "accepted_again_s": round(accepted_again - back, 3),
        "statuses": ", ".join(
            f"{status}: {sum(one.status == status for one in down)}"
            for status in sorted({one.status for one in down})
        ),
    }


def _accepted_since(answered: list[Answered], moment: float) -> bool:
    return any(one.came > moment and one.status == 200 for one in reversed(answered))


async def _client(port: int, answered: list[Answered]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            sent = perf_counter()
            writer.write(whatsapp())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            answered.append(Answered(sent, perf_counter(), int(head[9:12])))
            await asyncio.sleep(REST)
    finally:
        writer.close()
