"""The engine: commits, back-pressure, assignments and their end."""

import asyncio
from collections import defaultdict
from datetime import timedelta

import pytest

from recado_lanes import (
    CommitRejected,
    ConsumerFailed,
    LaneOptions,
    Lanes,
    OffsetWentBack,
    Partition,
    Record,
    RestoreFailed,
    Skipped,
    Transient,
    Unavailable,
    UnknownTopic,
)
from recado_lanes.testing import FakeConsumer, FakeDeadLetters, FakeKafka, poll_until

from .conftest import Bench

ZERO = Partition("letters", 0)


class Gate:
    """A handler that waits at each record until it is let through."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.cancelled: list[int] = []
        self.open = asyncio.Event()

    async def __call__(self, record: Record) -> None:
        self.begun.append(record.offset)
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled.append(record.offset)
            raise
        self.ended.append(record.offset)


async def test_submit_never_waits_for_handling(bench: Bench) -> None:
    gate = Gate()
    consumer = await bench.add(gate)
    for _ in range(50):
        bench.kafka.append("letters", b"a")
    await consumer.poll()
    await poll_until(lambda: gate.begun == [0])
    assert gate.ended == []


async def test_the_backlog_counts_what_is_in_work_and_what_waits(bench: Bench) -> None:
    """One record in work and two behind it; nothing once they are done."""
    gate = Gate()
    consumer = await bench.add(gate)
    for _ in range(3):
        bench.kafka.append("letters", b"a")
    await consumer.poll()
    await poll_until(lambda: gate.begun == [0])
    lanes = consumer.lanes
    assert lanes is not None
    assert sum(lanes.backlog("letters")) == 3
    assert lanes.backlog("other") == []
    gate.open.set()
    await poll_until(lambda: gate.ended == [0, 1, 2])
    await poll_until(lambda: not any(lanes.backlog("letters")))


async def test_a_partition_with_too_much_waiting_is_paused_while_others_are_polled(
    bench: Bench,
) -> None:
    gate = Gate()
    other: list[int] = []

    async def handler(record: Record) -> None:
        if record.partition == 0:
            await gate(record)
        else:
            other.append(record.offset)

    consumer = await bench.add(handler, high_water=10, low_water=3)
    for _ in range(100):
        bench.kafka.append("letters", b"a", partition=0)
    await poll_until(lambda: ZERO in consumer.paused, consumer, max_records=2)
    position = consumer.positions[ZERO]
    for _ in range(30):
        bench.kafka.append("letters", b"b", partition=1)
    await poll_until(lambda: len(other) == 30, consumer, max_records=2)
    assert consumer.positions[ZERO] == position == 10
    gate.open.set()
    await bench.settle(consumer)
    assert gate.ended == list(range(100))
    assert "resumed" in bench.watcher.events


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


async def test_work_in_progress_is_drained_and_committed_before_a_partition_is_given_away(
    bench: Bench,
) -> None:
    gate = Gate()
    consumer = await bench.add(gate, commit_interval=timedelta(hours=1))
    for _ in range(3):
        bench.kafka.append("letters", b"a")
    await poll_until(lambda: gate.begun == [0], consumer)
    revoking = asyncio.create_task(consumer.revoke())
    await asyncio.sleep(0.01)
    assert not revoking.done()
    gate.open.set()
    await revoking
    assert gate.ended == [0], "no further record is begun"
    assert bench.kafka.committed == {ZERO: 1}


async def test_work_that_outlasts_the_budget_is_cancelled_and_not_committed(
    bench: Bench,
) -> None:
    gate = Gate()
    consumer = await bench.add(gate, drain_budget=timedelta(milliseconds=10))
    bench.kafka.append("letters", b"a")
    await poll_until(lambda: gate.begun == [0], consumer)
    await consumer.revoke()
    assert gate.cancelled == [0]
    assert bench.kafka.committed == {}


@pytest.mark.parametrize(
    "error", [Unavailable("down"), Transient("busy", retry_after=timedelta(minutes=1))]
)
async def test_a_wait_to_try_again_does_not_hold_up_a_revocation(
    bench: Bench, error: Exception
) -> None:
    async def handler(record: Record) -> None:
        raise error

    hour = timedelta(hours=1)
    consumer = await bench.add(handler, probe_initial=hour, probe_max=hour, drain_budget=hour)
    bench.kafka.append("letters", b"a")
    await poll_until(lambda: len(bench.watcher.events) == 1, consumer)
    async with asyncio.timeout(5):
        await consumer.revoke()
    assert bench.kafka.committed == {}


async def test_a_redelivered_offset_meets_nothing_of_its_former_assignment(bench: Bench) -> None:
    gate = Gate()
    consumer = await bench.add(gate, drain_budget=timedelta(milliseconds=5))
    for _ in range(3):
        bench.kafka.append("letters", b"a")
    await poll_until(lambda: gate.begun == [0], consumer)
    await bench.kafka.rebalance()
    gate.open.set()
    await bench.settle(consumer)
    assert gate.begun == [0, 0, 1, 2]
    assert gate.ended == [0, 1, 2]


async def test_records_polled_before_a_rebalance_are_dropped_after_it(bench: Bench) -> None:
    """Otherwise they would come before older ones, which would be committed unhandled."""
    seen: list[int] = []

    async def handler(record: Record) -> None:
        seen.append(record.offset)

    consumer = await bench.add(handler)
    assert consumer.lanes is not None
    for _ in range(4):
        bench.kafka.append("letters", b"a")
    consumer.fetch(2)
    stale, epoch = consumer.fetch(2), consumer.lanes.epoch
    await bench.kafka.rebalance()
    await consumer.lanes.submit(stale, epoch=epoch)
    assert bench.watcher.skips == [Skipped.STALE] * 2
    await bench.settle(consumer)
    assert seen == [0, 1, 2, 3]


async def test_records_that_come_before_their_assignment_is_announced_are_not_lost(
    bench: Bench,
) -> None:
    seen: list[int] = []

    async def handler(record: Record) -> None:
        seen.append(record.offset)

    consumer = await bench.add(handler, join=False)
    assert consumer.lanes is not None
    records = [bench.kafka.append("letters", b"a") for _ in range(2)]
    await consumer.lanes.submit(records, epoch=consumer.lanes.epoch)
    await asyncio.sleep(0.01)
    assert seen == [], "but they wait for it"
    await consumer.lanes.on_assigned([ZERO])
    await poll_until(lambda: seen == [0, 1])


async def test_what_a_lost_assignment_completes_is_never_committed(bench: Bench) -> None:
    """Expelled, another member took over; the handler ends all the same."""
    ended: list[int] = []
    begun = asyncio.Event()

    async def stubborn(record: Record) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append(record.offset)  # it was done just as it was cancelled

    consumer = await bench.add(stubborn)
    assert consumer.lanes is not None
    bench.kafka.append("letters", b"a")
    await consumer.poll()
    await begun.wait()
    await consumer.lanes.on_lost([ZERO])
    assert ended == [0]
    assert bench.kafka.commits == []


async def test_what_was_done_before_a_lost_assignment_is_not_committed_any_more(
    bench: Bench,
) -> None:
    """Whoever has the partition now may be further on; our offset would put the group back."""
    gate = Gate()
    gate.open.set()
    consumer = await bench.add(gate, commit_interval=timedelta(hours=1))
    assert consumer.lanes is not None
    bench.kafka.append("letters", b"a")
    await poll_until(lambda: gate.ended == [0], consumer)
    await consumer.lanes.on_lost([ZERO])
    assert bench.kafka.commits == []


async def test_records_that_come_before_the_lanes_run_wait_for_their_assignment(
    bench: Bench,
) -> None:
    gate = Gate()
    consumer = FakeConsumer(bench.kafka)
    lanes = Lanes(
        handlers={"letters": gate},
        consumer=consumer,
        dead_letters=FakeDeadLetters(),
        options=LaneOptions(service="tests"),
    )
    await lanes.submit([bench.kafka.append("letters", b"a")])
    async with lanes:
        await asyncio.sleep(0.01)
        assert gate.begun == []
        await lanes.on_assigned([ZERO])
        await poll_until(lambda: gate.begun == [0])
        gate.open.set()


async def test_an_empty_revocation_revokes_nothing(bench: Bench) -> None:
    seen: list[int] = []

    async def handler(record: Record) -> None:
        seen.append(record.offset)

    consumer = await bench.add(handler)
    assert consumer.lanes is not None
    await consumer.lanes.on_revoked([])
    assert consumer.lanes.assignment == set(bench.kafka.logs)
    bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    assert seen == [0]


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


async def test_stop_drains_commits_and_takes_nothing_more(bench: Bench) -> None:
    gate = Gate()
    consumer = await bench.add(gate, commit_interval=timedelta(hours=1))
    assert consumer.lanes is not None
    for _ in range(3):
        bench.kafka.append("letters", b"a")
    await poll_until(lambda: gate.begun == [0], consumer)
    stopping = asyncio.create_task(consumer.lanes.stop())
    await asyncio.sleep(0)
    bench.kafka.append("letters", b"late")
    await consumer.poll()
    gate.open.set()
    await stopping
    await bench.ended(consumer)
    assert gate.ended == [0]
    assert bench.kafka.committed == {ZERO: 1}


async def test_a_revocation_during_stop_waits_until_nothing_is_worked_on(bench: Bench) -> None:
    gate = Gate()
    consumer = await bench.add(gate)
    assert consumer.lanes is not None
    bench.kafka.append("letters", b"a")
    await poll_until(lambda: gate.begun == [0], consumer)
    stopping = asyncio.create_task(consumer.lanes.stop())
    await asyncio.sleep(0)
    revoking = asyncio.create_task(consumer.revoke())
    await asyncio.sleep(0.01)
    assert not revoking.done()
    gate.open.set()
    await asyncio.gather(stopping, revoking)
    assert bench.kafka.committed == {ZERO: 1}


async def test_the_restore_hook_runs_before_the_first_record_of_every_assignment(
    bench: Bench,
) -> None:
    events: list[str] = []

    async def restore(record: Record) -> None:
        events.append(f"restore {record.offset}")

    async def handler(record: Record) -> None:
        events.append(f"handle {record.offset}")

    consumer = await bench.add(handler, restore=restore)
    for _ in range(2):
        bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    await bench.kafka.rebalance()
    bench.kafka.append("letters", b"b")
    await bench.settle(consumer)
    assert events == ["restore 0", "handle 0", "handle 1", "restore 2", "handle 2"]


async def test_a_restore_that_fails_is_repeated_and_costs_no_record(bench: Bench) -> None:
    attempts = 0
    seen: list[int] = []

    async def restore(record: Record) -> None:
        nonlocal attempts
        attempts += 1
        if attempts <= 3:
            raise ConnectionError
        if attempts <= 6:
            raise Unavailable("down")

    async def handler(record: Record) -> None:
        seen.append(record.offset)

    consumer = await bench.add(handler, restore=restore)
    bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    assert (attempts, seen) == (7, [0])


async def test_a_restore_that_never_works_stops_the_consumer(bench: Bench) -> None:
    seen: list[int] = []

    async def restore(record: Record) -> None:
        raise KeyError

    async def handler(record: Record) -> None:
        seen.append(record.offset)

    consumer = await bench.add(handler, restore=restore, transient_attempts=3)
    bench.kafka.append("letters", b"a")
    await consumer.poll()
    with pytest.raises(RestoreFailed):
        await bench.ended(consumer)
    assert seen == []
    assert bench.kafka.committed == {}


async def test_an_offset_that_goes_back_within_an_assignment_is_an_alarm(bench: Bench) -> None:
    async def handler(record: Record) -> None:
        pass

    consumer = await bench.add(handler)
    for _ in range(3):
        bench.kafka.append("letters", b"a")
    await bench.settle(consumer)
    consumer.positions[ZERO] = 1
    await consumer.poll()
    with pytest.raises(OffsetWentBack):
        await bench.ended(consumer)


async def test_a_record_of_a_topic_without_handler_stops_the_consumer(bench: Bench) -> None:
    async def handler(record: Record) -> None:
        pass

    consumer = await bench.add(handler)
    assert consumer.lanes is not None
    await consumer.lanes.submit([FakeKafka({"other": 1}).append("other", b"a")])
    with pytest.raises(UnknownTopic):
        await bench.ended(consumer)


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


async def test_as_a_context_manager_lanes_raise_what_stopped_them() -> None:
    async def handler(record: Record) -> None:
        pass

    kafka = FakeKafka({"letters": 1})
    lanes = Lanes(
        handlers={"letters": handler},
        consumer=FakeConsumer(kafka),
        dead_letters=FakeDeadLetters(),
        options=LaneOptions(service="tests"),
    )

    async def body() -> None:
        async with lanes:
            lanes.fail(ConsumerFailed("gone"))
            await lanes.wait()

    with pytest.raises(ConsumerFailed, match="gone"):
        await body()


async def test_order_per_key_and_completeness_survive_members_coming_and_going(
    bench: Bench,
) -> None:
    """Two members join and leave; repeats are allowed, going back past a repeat is not."""
    runs: dict[bytes, list[int]] = defaultdict(list)
    working: set[bytes] = set()

    async def handler(record: Record) -> None:
        assert record.key is not None
        assert record.key not in working, "one at a time per key, over all members"
        working.add(record.key)
        await asyncio.sleep(0)
        working.discard(record.key)
        runs[record.key].append(record.offset)

    first = await bench.add(handler)
    for n in range(200):
        customer = n % 7
        bench.kafka.append("letters", b"a", key=b"%d" % customer, partition=customer % 2)
    await poll_until(lambda: sum(map(len, runs.values())) > 20, first, max_records=5)
    second = await bench.add(handler)
    await poll_until(lambda: sum(map(len, runs.values())) > 80, first, second, max_records=5)
    assert first.lanes is not None
    await first.lanes.stop()
    await bench.kafka.leave(first)
    await bench.settle(second)
    for key, offsets in runs.items():
        expected = [r.offset for log in bench.kafka.logs.values() for r in log if r.key == key]
        assert offsets == expected, "graceful changes repeat nothing"
