"""What signals do to the process of a consumer service, on the real Kafka."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from recado.devstack.stack.kafka import RealKafka
from support.topics import TopicFactory

PROCESS = Path(__file__).with_name("signalled.py")


async def test_the_first_signal_drains_and_the_second_commits_what_is_done(
    kafka: RealKafka, topic_factory: TopicFactory, tmp_path: Path
) -> None:
    """Work in hand goes on after the first. The second cancels it: what was done by then is
    committed, the group is left, the parts are closed, and the status is 0."""
    topic = await topic_factory("orders", partitions=1)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for value in (b"quick", b"wait", b"hang"):
            await producer.send_and_wait(topic, value, key=value)
    file = tmp_path / "done"
    process = await asyncio.create_subprocess_exec(
        sys.executable, PROCESS, kafka.bootstrap, topic, file, stdout=PIPE, stderr=STDOUT
    )
    stdout = process.stdout
    assert stdout is not None
    seen: list[str] = []

    async def until(*lines: str) -> None:
        while not all(any(line in one for one in seen) for line in lines):
            line = await stdout.readline()
            assert line, f"ended without {lines}: {seen}"
            seen.append(line.decode().strip())

    try:
        async with asyncio.timeout(60):
            await until("done quick", "begun wait", "begun hang")
            process.terminate()
            await until("service.stopping")
            file.touch()
            await until("done wait")
            process.terminate()
            await until("service.hurrying", "cancelled hang", "closed parts")
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(topic)
        (group,) = await admin.describe_consumer_groups([topic])
    finally:
        await admin.close()
    assert offsets[TopicPartition(topic, 0)].offset == 2
    (described,) = group.groups
    assert "Empty" in described, "it left the group instead of being missed"
