"""What is committed, and what becomes of a commit that the group does not take."""

from datetime import timedelta

import pytest

from recado_lanes import CommitRejected, ConsumerFailed, Record
from recado_lanes.testing import FakeConsumer, poll_until

from .conftest import ZERO, Bench, Gate


async def test_a_rejected_commit_is_not_recorded_as_done_and_the_loop_goes_on(
    bench: Bench,
) -> None:
    async def handler(record: Record) -> None:
        pass

    consumer = await bench.add(handler)
    consumer.reject_commits = 3
    bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    assert bench.watcher.rejected == [{ZERO: 1}] * 3


async def test_a_commit_that_is_not_answered_counts_as_rejected(bench: Bench) -> None:
    async def handler(record: Record) -> None:
        pass

    consumer = await bench.add(handler, commit_timeout=timedelta(milliseconds=5))
    consumer.commit_error = TimeoutError()
    bench.kafka.append("letters", b"a")
    await poll_until(lambda: len(bench.watcher.rejected) > 1, consumer)
    consumer.commit_error = None
    await bench.settle(consumer)


async def test_an_error_of_the_client_that_does_not_pass_surfaces(bench: Bench) -> None:
    async def handler(record: Record) -> None:
        pass

    consumer = await bench.add(handler)
    consumer.commit_error = PermissionError("no such group for you")
    bench.kafka.append("letters", b"a")
    await consumer.poll()
    with pytest.raises(ConsumerFailed) as caught:
        await bench.ended(consumer)
    assert isinstance(caught.value.__cause__, PermissionError)


async def test_a_crash_repeats_what_was_not_committed_and_loses_nothing(bench: Bench) -> None:
    gate = Gate()
    gate.open.set()
    consumer = await bench.add(gate, commit_interval=timedelta(hours=1))
    for _ in range(5):
        bench.kafka.append("letters", b"a")
    await poll_until(lambda: gate.ended == [0, 1, 2, 3, 4], consumer)
    await bench.crash(consumer)
    assert bench.kafka.committed == {}
    second = await bench.add(gate)
    await bench.settle(second)
    assert gate.ended == [0, 1, 2, 3, 4] * 2


async def test_a_member_that_the_group_has_struck_off_can_not_commit(bench: Bench) -> None:
    """The fake's own promise, on which the tests of crashes stand."""
    consumer = FakeConsumer(bench.kafka)
    await bench.kafka.join(consumer)
    bench.kafka.forget(consumer)
    with pytest.raises(CommitRejected):
        await consumer.commit({ZERO: 1})
    await bench.kafka.join(consumer)
    await bench.kafka.rebalance()
    consumer.generation -= 1
    with pytest.raises(CommitRejected):
        await consumer.commit({ZERO: 1})
    assert bench.kafka.committed == {}
