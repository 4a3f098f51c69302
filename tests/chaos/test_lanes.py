"""Members of a group killed, added and removed, the broker stopped: what lanes promise then."""

import asyncio
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from aiokafka import AIOKafkaProducer

from recado.devstack.stack.kafka import ApacheKafka, RealKafka
from support.topics import TopicFactory, Topics

from .lanes_group import Group

PARTITIONS = 6
MEMBERS = 3

Blow = Literal["kill", "add", "stop", "break"]


@dataclass(frozen=True)
class Chaos:
    """So many records, written over so many seconds, and what befalls those who handle them.

    The rounds of blows are spread evenly over the records that are handled.
    """

    records: int
    keys: int
    seconds: float
    rounds: tuple[tuple[Blow, ...], ...]

    @property
    def while_away(self) -> float:
        """What may be done while the broker is away, and come again: nothing can be committed."""
        breaks = sum(blows.count("break") for blows in self.rounds)
        return breaks * 10 * self.records / self.seconds


LARGE = Chaos(
    records=20_000,
    keys=2_000,
    seconds=60,
    rounds=(
        ("kill", "add"),
        ("kill", "add", "add"),
        ("kill", "add", "break"),
        ("kill", "add", "stop"),
        ("kill", "add"),
    ),
)
SMALL = Chaos(records=2_000, keys=200, seconds=5, rounds=(("kill",), ("add",), ("stop",)))


@pytest.mark.long
async def test_whatever_happens_to_members_and_broker_nothing_is_lost(
    own_kafka: ApacheKafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Order per key holds apart from repeats, and these are few: counted and printed."""
    topic = await Topics(own_kafka.bootstrap)("letters", partitions=PARTITIONS)
    group = await play(LARGE, own_kafka, topic, tmp_path)
    report(LARGE, group, capsys)
    judge(LARGE, group)


async def test_whatever_happens_to_members_nothing_is_lost(
    kafka: RealKafka, topic_factory: TopicFactory, tmp_path: Path
) -> None:
    """Only what a killed member had done and could not commit any more comes again."""
    topic = await topic_factory("letters", partitions=PARTITIONS)
    group = await play(SMALL, kafka, topic, tmp_path)
    judge(SMALL, group)


async def play(chaos: Chaos, kafka: RealKafka, topic: str, directory: Path) -> Group:
    """The group, when the last record was handled. Raises `TimeoutError` if that never comes."""
    group = Group(kafka.bootstrap, topic, directory)
    writing: asyncio.Task[None] | None = None
    try:
        for _ in range(MEMBERS):
            await group.add()
        await group.until_assigned()
        writing = asyncio.create_task(write(kafka.bootstrap, topic, chaos))
        for number, blows in enumerate(chaos.rounds, start=1):
            await group.until_handled(chaos.records * number // (len(chaos.rounds) + 1))
            for blow in blows:
                await strike(blow, group, kafka)
        await writing
        await group.until_handled(chaos.records)
    finally:
        if writing is not None:
            writing.cancel()
        await group.end()
    return group


async def strike(blow: Blow, group: Group, kafka: RealKafka) -> None:
    match blow:
        case "add":
            await group.add()
        case "kill":
            await group.kill()
        case "stop":
            await group.stop()
        case "break":
            # A member that starts while there is no broker ends, as a service does.
            await group.until_assigned()
            assert isinstance(kafka, ApacheKafka)
            await kafka.stop()
            await asyncio.sleep(3)
            await kafka.start()


async def write(bootstrap: str, topic: str, chaos: Chaos) -> None:
    """The numbers of a key ascend."""
    at_once = 50
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=120_000,
    ) as producer:
        for n in range(chaos.records):
            await producer.send(topic, b"%d" % n, key=b"k%d" % (n % chaos.keys))
            if n % at_once == 0:
                await asyncio.sleep(chaos.seconds * at_once / chaos.records)
        await producer.flush()


def report(chaos: Chaos, group: Group, capsys: pytest.CaptureFixture[str]) -> None:
    handled = group.journal.handled()
    with capsys.disabled():
        sys.stdout.write(
            f"\nhandled {len(handled)} of {chaos.records}, {handled.total() - len(handled)} twice; "
            f"at the kills in flight: {group.in_flight}, "
            f"done and not committed: {group.uncommitted}\n"
        )


def judge(chaos: Chaos, group: Group) -> None:
    handled = group.journal.handled()
    assert len(handled) == chaos.records
    by_key: dict[str, list[int]] = defaultdict(list)
    for done in group.journal.done:
        by_key[done.key].append(done.number)
    for numbers in by_key.values():
        firsts = list(dict.fromkeys(numbers))
        assert firsts == sorted(firsts)
    repeats = handled.total() - len(handled)
    assert repeats <= sum(group.uncommitted) + chaos.while_away
