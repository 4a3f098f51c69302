"""Ingress beside floors, plain FastAPI, pywa and aiogram: what a request costs, and Kafka's end.

Every contender is a process on one core, the same for all; Kafka and the load generator share the
rest. At each concurrency they take turns, in one order and then in the other, so that what else the
machine does falls on all. Posts are signed and unique, and each must be answered with 200.
Telegram's updates go to aiogram, and to ingress once more. What is compared is each round with the
same round of floor B, and the median of these ratios. In the warm-up each must write to Kafka what
it answers for, sooner or later.

What they do before they answer differs much, see the modules: bench.ingress_floor,
bench.ingress_fastapi, bench.ingress_peers. Marks are printed with what was seen, nothing is
asserted of them. At the end Kafka is killed under load (bench.ingress_outage).
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from bench.http_load import Order, Seen
from bench.ingress_floor import dump
from bench.ingress_loader import Loader
from bench.ingress_outage import outage
from bench.ingress_report import CONCURRENCIES, Points, figures, text
from bench.ingress_servers import (
    Cores,
    Server,
    make_topic,
    recado,
    samples,
    start_all,
    started_kafka,
    written,
)
from bench.report import Effort, Result, quiet
from recado.devstack.stack.kafka import ApacheKafka, Kafka
from recado.servicekit import topics
from recado.servicekit.settings import KafkaSettings

EFFORT: Final = Effort(rounds=5, seconds=2.0)
WARM_UP: Final = 1.5
FASTEST: Final[Mapping[int, int]] = MappingProxyType({1: 4_000, 16: 12_000, 64: 12_000})
"""Requests a second for which there are enough prepared."""


@dataclass
class Contender:
    """A server, what it is sent, and what was seen of it at each concurrency, round by round."""

    name: str
    server: Server
    kind: str = "whatsapp"
    seen: dict[int, list[Seen]] = field(default_factory=dict)


def run(effort: Effort) -> Result:
    """Measure; needs nothing running."""
    quiet()
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as folder:
        return asyncio.run(_run(effort, Path(folder)))


async def _run(effort: Effort, folder: Path) -> Result:
    cores = Cores.divided()
    async with AsyncExitStack() as stack:
        kafka = await stack.enter_async_context(started_kafka(folder / "kafka", cores.rest))
        await topics.apply(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap))
        await make_topic(kafka.bootstrap)
        loader = await stack.enter_async_context(Loader.started(cores.rest))
        ours = await stack.enter_async_context(recado(kafka.bootstrap, folder, cores.server))
        await loader.apply(Order(ours.port, "whatsapp", concurrency=1, seconds=1.0, most=1))
        records = folder / "records.json"
        records.write_text(dump(await samples(kafka.bootstrap)))
        async with AsyncExitStack() as others:
            servers = await start_all(others, kafka, records, cores)
            points = await measure(effort, contenders(ours, servers), kafka, loader)
        found: dict[str, JsonValue] = {}
        if isinstance(kafka, ApacheKafka):
            found = await outage(ours.port, kafka, cores.rest)
    return Result(
        text(points, found), {"kafka": kafka.describe(), **figures(points), "kafka_down": found}
    )


def contenders(ours: Server, servers: Mapping[str, Server]) -> list[Contender]:
    """All that take turns: ingress twice, once for each platform."""
    return [
        Contender("Recado", ours),
        *(
            Contender(name, one, "telegram" if name == "aiogram" else "whatsapp")
            for name, one in servers.items()
        ),
        Contender("Recado, Telegram", ours, "telegram"),
    ]


async def until_written(bootstrap: str, name: str, records: int) -> None:
    """Until Kafka has what a contender answered for. Raises RuntimeError where it has not."""
    for _ in range(10):
        found = await written(bootstrap)
        if found >= records:
            return
        await asyncio.sleep(0.5)
    raise RuntimeError(f"of what {name} answered 200 to, {records - found} are not in Kafka")


async def measure(
    effort: Effort, taking_turns: Sequence[Contender], kafka: Kafka, loader: Loader
) -> Points:
    """Every contender at every concurrency. Raises RuntimeError where an answer was not 200."""
    broker = kafka.process.pid if isinstance(kafka, ApacheKafka) else None

    async def once(one: Contender, concurrency: int, seconds: float) -> Seen:
        pids = (one.server.pid,) if broker is None else (one.server.pid, broker)
        most = round(FASTEST[concurrency] * seconds)
        seen = await loader.apply(
            Order(one.server.port, one.kind, concurrency, seconds, most, pids)
        )
        if set(seen.statuses) != {"200"}:
            raise RuntimeError(f"{one.name} answered {dict(seen.statuses)}")
        return seen

    for one in taking_turns:
        before = await written(kafka.bootstrap)
        seen = await once(one, CONCURRENCIES[-1], WARM_UP)
        await until_written(kafka.bootstrap, one.name, before + seen.requests)
    for concurrency in CONCURRENCIES:
        for number in range(effort.rounds):
            for one in taking_turns if number % 2 == 0 else reversed(taking_turns):
                seen = await once(one, concurrency, effort.seconds)
                one.seen.setdefault(concurrency, []).append(seen)
    return {one.name: one.seen for one in taking_turns}
