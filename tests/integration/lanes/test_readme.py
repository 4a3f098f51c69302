"""The README's examples do on the real Kafka what they say."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from recado.devstack.stack.kafka import RealKafka
from support.topics import TopicFactory

from .conftest import Group, eventually

README = Path(__file__).parents[3] / "libs" / "lanes" / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
EXAMPLE = EXAMPLES[0]


def test_the_first_example_is_ten_lines_at_most() -> None:
    assert len([line for line in EXAMPLE.splitlines() if line.strip()]) <= 10


async def test_the_first_example_greets_and_ends_in_order(
    kafka: RealKafka, topic_factory: TopicFactory
) -> None:
    """As it stands but for the names of Kafka and topics. On SIGTERM it commits and ends with 0."""
    letters, dead = await topic_factory("letters"), await topic_factory("letters.dead")
    program = EXAMPLE
    for ours, theirs in (
        ("localhost:9092", kafka.bootstrap),
        ('"letters"', f'"{letters}"'),
        ('"letters.dead"', f'"{dead}"'),
    ):
        assert ours in program
        program = program.replace(ours, theirs)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        await producer.send_and_wait(letters, b"Ana")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-c", program, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(60):
            assert process.stdout is not None
            greeting = await process.stdout.readline()
            if greeting:
                process.terminate()
            more, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (greeting, more, process.returncode) == (b"Hola, Ana\n", b"", 0), errors.decode()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets("greeter")
    finally:
        await admin.close()
    assert offsets[TopicPartition(letters, 0)].offset == 1


async def test_the_readmes_example_consumes_and_commits(
    group: Group, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = (one for one in EXAMPLES if "attach(" in one)
    for ours, theirs in (
        ('"letters"', repr(group.topic)),
        ('"letters.dead"', repr(group.dead_topic)),
        ('group_id="greeter"', f"group_id={group.group_id!r}"),
    ):
        assert ours in example
        example = example.replace(ours, theirs)
    names: dict[str, Callable[[str, asyncio.Event], Awaitable[None]]] = {}
    exec(compile(example, str(README), "exec"), names)
    await group.producer.send_and_wait(group.topic, b"Ana", key=b"a")
    until = asyncio.Event()
    said = ""

    def greeted() -> bool:
        nonlocal said
        said += capsys.readouterr().out
        return "Hola, Ana" in said

    consuming = asyncio.ensure_future(names["consume"](group.bootstrap, until))
    try:
        await eventually(greeted)
    finally:
        until.set()
        await consuming
    assert await group.committed() == await group.end_offsets()
