"""A commit that Apache Kafka does not take, as in mid-rebalance."""

import asyncio
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from recado_lanes import LaneOptions, Lanes, Partition, Record
from recado_lanes.kafka import AiokafkaConsumerPort, to_record
from recado_lanes.testing import FakeDeadLetters

from .conftest import Commits, Group, eventually


async def test_a_commit_rejected_in_mid_rebalance_is_neither_recorded_nor_the_end(
    group: Group,
) -> None:
    """A drains longer than the group waits; B has the partitions by then."""
    await group.write(6, keys=6)
    release = asyncio.Event()
    commits, begun = Commits(), asyncio.Event()
    handled: list[bytes] = []

    async def slow(record: Record) -> None:
        begun.set()
        await release.wait()
        handled.append(record.value or b"")

    class Bridge(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
        async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
            await lanes.on_revoked([Partition(tp.topic, tp.partition) for tp in revoked])

        async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
            await lanes.on_assigned([Partition(tp.topic, tp.partition) for tp in assigned])

    def consumer() -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=group.bootstrap,
            group_id=group.group_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=30_000,
            rebalance_timeout_ms=1_500,
            heartbeat_interval_ms=200,
        )

    a, b = consumer(), consumer()
    lanes = Lanes(
        handlers={group.topic: slow},
        consumer=AiokafkaConsumerPort(lambda: a),
        dead_letters=FakeDeadLetters(),
        options=LaneOptions(
            service="tests",
            commit_interval=timedelta(milliseconds=50),
            drain_budget=timedelta(seconds=30),
        ),
        observer=commits,
    )

    async def poll() -> None:
        while True:
            polled = await a.getmany(timeout_ms=20)
            epoch = lanes.epoch
            await lanes.submit([to_record(r) for rs in polled.values() for r in rs], epoch=epoch)

    async with lanes:
        a.subscribe([group.topic], listener=Bridge())
        b.subscribe([group.topic])
        await a.start()
        polling = asyncio.create_task(poll())
        try:
            await begun.wait()
            # B joins; the group waits 1.5 s for A, which drains, and then goes on without it.
            async with asyncio.timeout(30):
                await b.start()
                await eventually(lambda: len(b.assignment()) == 6)
            release.set()
            await eventually(lambda: bool(commits.rejections))
            assert await group.committed() == {}
            assert commits.committed_offsets == []
            await b.stop()
            # A is back in the group, and what it had handled comes again.
            await eventually(lambda: set(handled) == {b"%d" % n for n in range(6)})
            await eventually(lambda: len(commits.committed_offsets) > 0)
        finally:
            await lanes.stop()
            polling.cancel()
            await asyncio.wait({polling})
            await a.stop()
            await b.stop()
    assert await group.committed() == await group.end_offsets()
