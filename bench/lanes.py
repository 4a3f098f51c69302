"""Lanes on a real Kafka beside what it can't beat and what it is compared with.

Six partitions, one consumer process, 256 keys at once. Efficiency is the time that concurrency and
key order allow, divided by the time from the first record to the last; the floor is bare asyncio
doing the same sleeps from memory, the longest backlog first, in the same run. `others` are the
keys without a slow record (W3), or all but the hottest (Zipf), against the floor's time for them.
CPU is that of the consumer's process a record, from the first record on; memory its peak.
`killed`: SIGKILL at half of the records, another process takes over.
"""

import asyncio
import json
import os
import sys
import tempfile
import uuid
from collections import Counter, defaultdict
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import JsonValue

from bench.lanes_load import PARTITIONS, WORKLOADS, Workload
from bench.report import Effort, Result
from recado.devstack.stack.kafka import choose_kafka
from recado.devstack.stack.ports import free_port

PATIENCE = 300.0
PEERED = ("W1", "W2")
"""Elsewhere a slow record holds up its whole batch: minutes, to learn what is known."""


def run(effort: Effort) -> Result:
    """All workloads, once each; the effort's seconds do not apply."""
    del effort
    return asyncio.run(_run())


async def _run() -> Result:
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as directory:
        kafka = choose_kafka(
            Path(directory) / "kafka",
            port=free_port(),
            controller_port=free_port(),
            environment=os.environ,
        )
        await kafka.start()
        try:
            bench = Bench(kafka.bootstrap, Path(directory))
            for workload in WORKLOADS:
                await bench.workload(workload)
            for name in ("W1", "W3"):
                await bench.killed(next(one for one in WORKLOADS if one.name == name))
            return Result("\n".join(bench.lines), {"workloads": bench.figures})
        finally:
            await kafka.stop()


class Bench:
    """Runs workloads against one Kafka and keeps what came out."""

    def __init__(self, bootstrap: str, directory: Path) -> None:
        self.lines: list[str] = []
        self.figures: dict[str, JsonValue] = {}
        self._bootstrap = bootstrap
        self._directory = directory

    async def workload(self, workload: Workload) -> None:
        """Every contender that makes sense, one after another."""
        load = workload.draw()
        bound = workload.bound(load)
        topic = await self._write(workload)
        contenders = ["lanes", "memory"] if workload.seconds else ["lanes", "getmany"]
        if workload.name in PEERED:
            contenders.append("gather")
        found: dict[str, dict[str, float]] = {}
        for contender in contenders:
            found[contender] = await self._measure(contender, workload, topic)
        for contender, one in found.items():
            line = (
                f"{workload.name:5}{contender:8}{one['cpu']:7.1f} µs CPU {one['memory']:5.0f} MiB"
            )
            if bound:
                one["efficiency"] = bound / one["seconds"]
                one["others"] = found["memory"]["others_seconds"] / one["others_seconds"]
                line += (
                    f"  efficiency {one['efficiency']:.3f}, others {one['others']:.3f} of the floor"
                )
            self.lines.append(line)
        self.figures[workload.name] = {
            "what": workload.what,
            **{name: {k: round(v, 3) for k, v in one.items()} for name, one in found.items()},
        }

    async def killed(self, workload: Workload) -> None:
        """Kill the consumer at half, let another finish; what was lost, repeated, out of order."""
        topic = await self._write(workload)
        place = [self._bootstrap, topic, f"bench-{uuid.uuid4().hex[:8]}"]
        logs = [self._directory / f"{topic}-{n}" for n in range(2)]
        victim = await self._start("lanes", workload, [*place, str(logs[0])])
        async with asyncio.timeout(PATIENCE):
            while len(_numbers(logs[0])) < workload.records // 2:  # noqa: ASYNC110 - a process
                await asyncio.sleep(0.02)
        victim.kill()
        await victim.wait()
        heir = await self._start("lanes", workload, [*place, str(logs[1])])
        first = _numbers(logs[0])
        try:
            async with asyncio.timeout(PATIENCE):
                while len({*first, *_numbers(logs[1])}) < workload.records:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pass  # what is lost is told below
        heir.kill()
        await heir.wait()
        second = _numbers(logs[1])
        lost = workload.records - len({*first, *second})
        twice = sum(count - 1 for count in Counter([*first, *second]).values())
        disorder = _disorder(workload, first) + _disorder(workload, second)
        name = f"{workload.name} killed"
        self.figures[name] = {"lost": lost, "twice": twice, "out_of_order": disorder}
        self.lines.append(f"{name}: lost {lost}, handled twice {twice}, out of order {disorder}")

    async def _measure(self, contender: str, workload: Workload, topic: str) -> dict[str, float]:
        group = f"bench-{uuid.uuid4().hex[:8]}"
        process = await self._start(contender, workload, [self._bootstrap, topic, group])
        try:
            async with asyncio.timeout(PATIENCE):
                out, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        found: dict[str, float] = json.loads(out)
        return found

    async def _start(
        self, contender: str, workload: Workload, place: list[str]
    ) -> asyncio.subprocess.Process:
        arguments = ["-m", "bench.lanes_worker", contender, workload.name, *place]
        return await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
        )

    async def _write(self, workload: Workload) -> str:
        topic = f"{workload.name.lower()}-{uuid.uuid4().hex[:6]}"
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
        finally:
            await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap, linger_ms=5) as producer:
            for number, (key, _) in enumerate(workload.draw()):
                await producer.send(topic, b"%d" % number, key=b"customer-%d" % key)
            await producer.flush()
        return topic


def _numbers(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split()] if log.exists() else []


def _disorder(workload: Workload, numbers: list[int]) -> int:
    """How often a process did a record of a key after a later one."""
    load = workload.draw()
    last: dict[int, int] = defaultdict(lambda: -1)
    wrong = 0
    for number in numbers:
        key, _ = load[number]
        wrong += number < last[key]
        last[key] = max(last[key], number)
    return wrong
