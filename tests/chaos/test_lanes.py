"""Members of a group killed, added and removed, the broker stopped: what lanes promise then."""

import asyncio
import sys
import uuid
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from recado.devstack.stack.kafka import ApacheKafka
from support.topics import Topics

WORKER = Path(__file__).with_name("lanes_worker.py")
PARTITIONS = 6
RECORDS = 20_000
KEYS = 2_000
SECONDS = 60
KILL_EVERY = 9
MOST_DONE_SINCE_A_COMMIT = 100
"""`LaneOptions.commit_after`."""


class Worker:
    """One consumer process; `begun` and `done` are what it wrote so far: key and number."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.process: asyncio.subprocess.Process

    async def start(self, bootstrap: str, topic: str, group: str) -> None:
        with self.output.open("wb") as stdout:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, WORKER, bootstrap, topic, group, stdout=stdout
            )

    def lines(self, kind: str) -> list[tuple[str, int]]:
        return [
            (key, int(number))
            for word, key, number in map(str.split, self.output.read_text().splitlines())
            if word == kind
        ]

    async def kill(self) -> int:
        """SIGKILL; how many records were in flight."""
        assert self.process.returncode is None, "it has ended by itself"
        self.process.kill()
        await self.process.wait()
        return len(self.lines("begun")) - len(self.lines("done"))

    async def stop(self) -> None:
        self.process.terminate()
        await self.process.wait()


@pytest.mark.long
async def test_whatever_happens_to_members_and_broker_nothing_is_lost(
    own_kafka: ApacheKafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Order per key holds apart from repeats, and these are few: counted and printed."""
    topic = await Topics(own_kafka.bootstrap)("letters", partitions=PARTITIONS)
    group = f"group-{uuid.uuid4().hex[:8]}"
    workers: list[Worker] = []

    async def add() -> Worker:
        worker = Worker(tmp_path / f"worker-{len(workers)}")
        workers.append(worker)
        await worker.start(own_kafka.bootstrap, topic, group)
        return worker

    async def write() -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=own_kafka.bootstrap,
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=120_000,
        ) as producer:
            for n in range(RECORDS):
                await producer.send(topic, b"%d" % n, key=b"k%d" % (n % KEYS))
                if n % 100 == 0:
                    await asyncio.sleep(SECONDS * 100 / RECORDS)
            await producer.flush()

    def done() -> Counter[tuple[str, int]]:
        return Counter(line for worker in workers for line in worker.lines("done"))

    in_flight: list[int] = []
    writing = asyncio.create_task(write())
    alive = [await add() for _ in range(3)]
    try:
        for round_ in range(5):
            await asyncio.sleep(KILL_EVERY)
            in_flight.append(await alive.pop(0).kill())
            alive.append(await add())
            if round_ == 1:
                alive.append(await add())
            if round_ == 2:
                # A member that starts while there is no broker ends, as a service does.
                await asyncio.sleep(5)
                await own_kafka.stop()
                await asyncio.sleep(3)
                await own_kafka.start()
            if round_ == 3:
                await alive.pop(0).stop()
        await writing
        with suppress(TimeoutError):
            async with asyncio.timeout(120):
                while len(done()) < RECORDS:  # noqa: ASYNC110 - they are other processes
                    await asyncio.sleep(1)
    finally:
        writing.cancel()
        for worker in alive:
            await worker.kill()
    handled = done()
    repeats = handled.total() - len(handled)
    with capsys.disabled():
        sys.stdout.write(
            f"\nhandled {len(handled)} of {RECORDS}, {repeats} twice; in flight at the kills: "
            f"{in_flight}\n"
        )
    assert len(handled) == RECORDS
    for worker in workers:
        numbers: dict[str, list[int]] = defaultdict(list)
        for key, number in worker.lines("done"):
            numbers[key].append(number)
        for run in numbers.values():
            firsts = list(dict.fromkeys(run))
            assert firsts == sorted(firsts)
    # While the broker is away nothing can be committed: what is done then may come again.
    while_away = RECORDS / SECONDS * 10
    assert repeats <= sum(in_flight) + len(in_flight) * MOST_DONE_SINCE_A_COMMIT + while_away
