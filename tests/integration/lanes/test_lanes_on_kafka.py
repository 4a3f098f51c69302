"""The promises of lanes on Apache Kafka, consumed as a service does."""

import asyncio
import re
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from faststream import BaseMiddleware
from faststream.kafka import KafkaBroker

from recado_lanes import ConsumerFailed, LaneOptions, Lanes, Partition, Permanent, Record
from recado_lanes.kafka import AiokafkaConsumerPort, to_record
from recado_lanes.testing import FakeDeadLetters

from .conftest import Commits, Group, eventually

WORKER = Path(__file__).with_name("worker.py")
README = Path(__file__).parents[3] / "libs" / "lanes" / "README.md"


class Ledger:
    """A handler that notes, per key, the numbers of the records in the order of handling."""

    def __init__(self, pace: float = 0.0) -> None:
        self.pace = pace
        self.runs: dict[bytes, list[int]] = defaultdict(list)
        self.working: set[bytes] = set()
        self.overlaps: list[bytes] = []

    async def __call__(self, record: Record) -> None:
        assert record.key is not None
        assert record.value is not None
        if record.key in self.working:
            self.overlaps.append(record.key)
        self.working.add(record.key)
        try:
            await asyncio.sleep(self.pace)
            self.runs[record.key].append(int(record.value))
        finally:
            self.working.discard(record.key)

    @property
    def count(self) -> int:
        return sum(map(len, self.runs.values()))

    @property
    def distinct(self) -> set[int]:
        return {n for run in self.runs.values() for n in run}


async def test_order_per_key_holds_across_two_consumers_and_their_rebalances(
    group: Group,
) -> None:
    """Graceful changes: nothing lost, nothing repeated, no key in two places at once."""
    ledger = Ledger(pace=0.004)
    await group.write(600, keys=40)
    first = await group.member(ledger)
    await eventually(lambda: ledger.count > 50)
    second = await group.member(ledger)
    await eventually(lambda: bool(second.lanes.assignment))
    assert not first.lanes.assignment & second.lanes.assignment
    assert len(first.lanes.assignment | second.lanes.assignment) == 6
    await group.write(600, keys=40, start=600)
    await eventually(lambda: ledger.count > 700)
    await first.stop()
    await eventually(lambda: ledger.distinct == set(range(1200)))
    await second.stop()
    assert ledger.overlaps == []
    assert dict(ledger.runs) == {b"k%d" % k: list(range(k, 1200, 40)) for k in range(40)}
    assert await group.committed() == await group.end_offsets()


async def test_kill_9_of_a_consumer_loses_nothing_and_keeps_order_apart_from_repeats(
    group: Group, tmp_path: Path
) -> None:
    total, keys = 3000, 30
    await group.write(total, keys=keys)
    outputs = [tmp_path / "victim", tmp_path / "heir"]

    async def start(output: Path) -> asyncio.subprocess.Process:
        with output.open("wb") as stdout:
            return await asyncio.create_subprocess_exec(
                sys.executable, WORKER, group.bootstrap, group.topic, group.group_id, stdout=stdout
            )

    def lines(output: Path) -> list[tuple[str, int]]:
        text = output.read_text() if output.exists() else ""
        return [(key, int(offset)) for key, offset in map(str.split, text.splitlines())]

    def handled(*files: Path) -> set[tuple[str, int]]:
        return {line for file in files for line in lines(file)}

    victim = await start(outputs[0])
    heir: asyncio.subprocess.Process | None = None
    try:
        await eventually(lambda: len(lines(outputs[0])) > 300)
        victim.kill()
        await victim.wait()
        before = handled(outputs[0])
        assert len(before) < total
        heir = await start(outputs[1])
        await eventually(lambda: len(handled(*outputs)) == total)
    finally:
        for process in (victim, heir):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()
    for output in outputs:
        offsets: dict[str, list[int]] = defaultdict(list)
        for key, offset in lines(output):
            offsets[key].append(offset)
        assert all(run == sorted(set(run)) for run in offsets.values())
    repeated = before & handled(outputs[1])
    # In flight, and done since the last commit: at most 200 records, or 0.2 s.
    assert len(repeated) < len(before)


async def test_a_failing_handler_loses_nothing_and_its_dead_letters_say_why(group: Group) -> None:
    ledger = Ledger()

    async def handler(record: Record) -> None:
        if record.value == b"7":
            raise Permanent("no seven")
        if record.value == b"8":
            raise LookupError("a bug")
        await ledger(record)

    await group.producer.send_and_wait(
        group.topic, b"7", key=b"seven", headers=[("h", b"\xff"), ("h", b"2")]
    )
    await group.producer.send_and_wait(group.topic, b"8", key=b"seven")
    await group.write(5, keys=5)
    member = await group.member(handler, bug_attempts=2)
    await eventually(lambda: ledger.distinct == set(range(5)))
    seven, eight = await group.dead_letters(2)
    await member.stop()
    assert (seven.key, seven.value) == (b"seven", b"7")
    assert seven.headers[:2] == (("h", b"\xff"), ("h", b"2"))
    told = {name: value.decode() for name, value in seven.headers[2:]}
    assert told["dead_letter_topic"] == group.topic
    assert told["dead_letter_offset"] == "0"
    assert told["dead_letter_service"] == "tests"
    assert told["dead_letter_error"] == "recado_lanes.errors.Permanent"
    assert told["dead_letter_message"] == "no seven"
    assert told["dead_letter_attempts"] == "1"
    assert dict(eight.headers)["dead_letter_error"] == b"builtins.LookupError"
    assert dict(eight.headers)["dead_letter_attempts"] == b"2"
    assert await group.committed() == await group.end_offsets()


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


async def test_a_middleware_that_fails_loses_no_batch(group: Group) -> None:
    """FastStream drops a batch whose processing raises, and reads on."""
    ledger = Ledger()

    class Broken(BaseMiddleware):
        async def on_receive(self) -> None:
            raise RuntimeError("broken")

    def prepare(broker: KafkaBroker) -> None:
        broker.add_middleware(Broken)

    await group.write(10, keys=3)
    member = await group.member(ledger, prepare=prepare)
    await eventually(lambda: ledger.distinct == set(range(10)))
    await member.stop()


async def test_what_faststream_can_not_decode_is_handled_all_the_same(group: Group) -> None:
    seen: list[Record] = []

    async def handler(record: Record) -> None:
        seen.append(record)

    headers = [("content-type", b"application/json"), ("bad", b"\xff\xfe")]
    await group.producer.send_and_wait(group.topic, b"{no json", key=b"k", headers=headers)
    member = await group.member(handler)
    await eventually(lambda: len(seen) == 1)
    await member.stop()
    assert seen[0].value == b"{no json"
    assert seen[0].headers == tuple(headers)


async def test_a_busy_partition_is_paused_without_the_group_expelling_the_member(
    group: Group,
) -> None:
    release = asyncio.Event()
    seen: list[bytes] = []

    async def handler(record: Record) -> None:
        await release.wait()
        seen.append(record.value or b"")

    poll_interval = timedelta(seconds=2)
    await group.write(300, keys=1)
    member = await group.member(
        handler,
        high_water=50,
        low_water=10,
        group={"max_poll_interval": poll_interval, "max_records": 20},
    )
    await eventually(lambda: bool(member.lanes.assignment))
    epoch = member.lanes.epoch
    await asyncio.sleep(2 * poll_interval.total_seconds())
    assert member.lanes.epoch == epoch, "no rebalance"
    release.set()
    await eventually(lambda: len(seen) == 300)
    await member.stop()
    assert await group.committed() == await group.end_offsets()


async def test_without_reset_policy_a_first_start_begins_at_the_beginning(group: Group) -> None:
    ledger = Ledger()
    await group.write(12, keys=12)
    member = await group.member(ledger, group={"auto_offset_reset": "none"})
    await eventually(lambda: ledger.distinct == set(range(12)))
    await member.stop()
    assert ledger.count == 12


async def test_without_reset_policy_a_missing_offset_can_be_an_error(group: Group) -> None:
    member = await group.member(
        Ledger(), group={"auto_offset_reset": "none", "first_start": "fail"}
    )
    with pytest.raises(ConsumerFailed) as caught:
        await asyncio.wait_for(member.task, 30)
    assert isinstance(caught.value.__cause__, NoOffsetForPartitionError)


async def test_a_committed_offset_that_no_longer_exists_surfaces(group: Group) -> None:
    ledger = Ledger()
    await group.write(20, keys=1)
    member = await group.member(ledger)
    await eventually(lambda: ledger.count == 20)
    await member.stop()
    await group.write(20, keys=1, start=20)
    ends = await group.end_offsets()
    admin = AIOKafkaAdminClient(bootstrap_servers=group.bootstrap)
    await admin.start()
    try:
        await admin.delete_records(
            {tp: RecordsToDelete(before_offset=end - 5) for tp, end in ends.items()}
        )
    finally:
        await admin.close()
    again = await group.member(ledger, group={"auto_offset_reset": "none"})
    with pytest.raises(ConsumerFailed) as caught:
        await asyncio.wait_for(again.task, 30)
    assert isinstance(caught.value.__cause__, OffsetOutOfRangeError)
    assert ledger.count == 20


async def test_draining_that_could_outlast_the_rebalance_is_refused(group: Group) -> None:
    with pytest.raises(ValueError, match="rebalance time-out"):
        await group.member(Ledger(), drain_budget=timedelta(seconds=60))


async def test_a_broker_that_would_create_topics_is_refused(group: Group) -> None:
    def prepare(broker: KafkaBroker) -> None:
        broker.config.broker_config.allow_auto_create_topics = True

    with pytest.raises(ValueError, match="allow_auto_create_topics"):
        await group.member(Ledger(), prepare=prepare)


async def test_the_readmes_example_consumes_and_commits(
    group: Group, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (example,) = (one for one in examples if "attach(" in one)
    example = example.replace('"letters"', repr(group.topic))
    example = example.replace('"letters.dead"', repr(group.dead_topic))
    example = example.replace('group_id="greeter"', f"group_id={group.group_id!r}")
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
