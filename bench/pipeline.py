"""Webhook to platform with a model of 0 ms, step by step, beside the same calls made bare.

One question at a time, so that what is measured is the path and not a queue. A round asks Recado
and then the floor: one process that makes the calls which no implementation could leave out, one
after another (write and read each topic with `acks=all`, read the history, search,
ask the model, claim the part durably, send it), and nothing else. A customer's first message waits
for no more of them here; in production it does, for `RECADO_SETTLE`.
"""

import asyncio
import os
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from pydantic import JsonValue

from bench.pipeline_floor import Floor
from bench.report import Effort, Result, cpu_seconds
from recado.cli.asking import Asker, asker
from recado.cli.index import submit
from recado.cli.settings import CliSettings
from recado.devstack.sample import PAGES
from recado.devstack.stack.ports import Ports
from recado.devstack.stack.services import SERVICES
from recado.devstack.stack.stack import Stack, StackConfig
from recado.schemas.base import Platform
from recado.servicekit.settings import KafkaSettings
from recado.servicekit.topics import apply

QUESTION = "¿Por qué mi internet está lento? ({number})"
WARM_UP = 10
PER_SECOND = 8
"""Questions of a round for each second of the effort asked for."""

STEPS = (
    "webhook accepted, in Kafka",
    "waited for rag",
    "history read",
    "knowledge searched",
    "answer written",
    "sent and acknowledged",
    "in all",
)
Seconds = dict[str, list[float]]


def run(effort: Effort) -> Result:
    """Measure; the result."""
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_run(effort, Path(directory)))


async def _run(effort: Effort, directory: Path) -> Result:
    ports = Ports.free()
    stack = Stack(
        StackConfig(
            state_directory=directory,
            ports=ports,
            prepare_topics=_apply_topics,
            environment={
                name: value
                for name, value in os.environ.items()
                if not name.startswith("RECADO_") or name == "RECADO_CACHE"
            },
            settings={
                "RECADO_GEMINI_API_KEY": "gemini-demo-key",
                "RECADO_GEMINI_BASE_URL": f"http://127.0.0.1:{ports.standins}/gemini",
                "RECADO_LOG_LEVEL": "WARNING",
                # What is waited for on purpose is no cost of the path.
                "RECADO_SETTLE": "PT0S",
            },
        )
    )
    async with stack:
        settings = CliSettings(
            kafka_bootstrap_servers=stack.kafka.bootstrap,
            mongodb_url=stack.mongodb.url,
            integrations_file=stack.integrations_file,
            ingress_url=stack.service("ingress").url,
            standins_url=stack.standins.url,
        )
        await submit(settings, [PAGES], wait=timedelta(minutes=2), quiet=True)
        async with (
            asker(settings) as asking,
            Floor.started(settings, directory / "lancedb") as floor,
        ):
            return await _measure(effort, stack, asking, floor)


async def _measure(effort: Effort, stack: Stack, asking: Asker, floor: Floor) -> Result:
    recado: Seconds = defaultdict(list)
    bare: Seconds = defaultdict(list)
    cpu: dict[str, float] = defaultdict(float)
    numbers = iter(range(10**6))

    async def ask(into: Seconds) -> None:
        number = next(numbers)
        reply = await asking.ask(
            QUESTION.format(number=number), Platform.WHATSAPP, customer=f"3469{number % 20:07d}"
        )
        for step, took in reply.steps:
            into[step].append(took / timedelta(seconds=1))

    async def ask_bare(into: Seconds) -> None:
        began = perf_counter()
        for step, took in await floor.ask(QUESTION.format(number=next(numbers))):
            into[step].append(took)
        into["in all"].append(perf_counter() - began)

    for _ in range(WARM_UP):
        await ask(defaultdict(list))
        await ask_bare(defaultdict(list))
    questions = max(1, round(effort.seconds * PER_SECOND))
    for _ in range(effort.rounds):
        before = {name: _cpu(stack, name) for name in SERVICES}
        await _repeat(questions, lambda: ask(recado))
        for name in SERVICES:
            cpu[name] += _cpu(stack, name) - before[name]
        await _repeat(questions, lambda: ask_bare(bare))
    asked = effort.rounds * questions
    return _result(asked, recado, bare, {name: spent / asked for name, spent in cpu.items()})


async def _repeat(times: int, work: Callable[[], Awaitable[None]]) -> None:
    for _ in range(times):
        await work()


def _cpu(stack: Stack, service: str) -> float:
    pid = stack.service(service).process.pid
    return 0.0 if pid is None else cpu_seconds(pid)


def _result(asked: int, recado: Seconds, bare: Seconds, cpu: Mapping[str, float]) -> Result:
    ratio = quantile(recado["in all"], 0.5) / quantile(bare["in all"], 0.5)
    lines = [f"{asked} questions each, one at a time; times in ms", ""]
    lines.append(f"{'Recado':<30}{'p50':>8}{'p99':>8}")
    lines += [_line(step, recado[step]) for step in STEPS if recado[step]]
    lines += ["", f"{'the same calls, bare':<30}{'p50':>8}{'p99':>8}"]
    lines += [_line(step, times) for step, times in bare.items()]
    lines += ["", f"Recado takes {ratio:.2f} times as long as the calls that it can't leave out"]
    lines.append(
        "CPU a message: " + ", ".join(f"{name} {spent * 1e3:.1f} ms" for name, spent in cpu.items())
    )
    figures: dict[str, JsonValue] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "questions": asked,
        "recado_ms": {step: _quantiles(recado[step]) for step in STEPS if recado[step]},
        "bare_ms": {step: _quantiles(times) for step, times in bare.items()},
        "ratio_of_p50": round(ratio, 2),
        "cpu_ms_per_message": {name: round(spent * 1e3, 2) for name, spent in cpu.items()},
    }
    return Result("\n".join(lines), figures)


def _line(step: str, times: Sequence[float]) -> str:
    return f"{step:<30}{quantile(times, 0.5) * 1e3:>8.1f}{quantile(times, 0.99) * 1e3:>8.1f}"


def _quantiles(times: Sequence[float]) -> dict[str, JsonValue]:
    return {name: round(quantile(times, q) * 1e3, 2) for name, q in (("p50", 0.5), ("p99", 0.99))}


def quantile(times: Sequence[float], q: float) -> float:
    """The time that the share `q` of all does not exceed."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


async def _apply_topics(bootstrap: str) -> None:
    await apply(KafkaSettings(kafka_bootstrap_servers=bootstrap))
