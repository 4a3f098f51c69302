"""Several consumers of a group on Apache Kafka: they join, leave, die and fall behind."""

import asyncio
import sys
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

from recado_lanes import Record

from .conftest import Group, Ledger, eventually

WORKER = Path(__file__).with_name("worker.py")


async def test_order_per_key_holds_across_two_consumers_and_their_rebalances(
    group: Group,
) -> None:
    """Graceful changes: nothing lost, nothing repeated, no key in two places at once."""
    ledger = Ledger(pace=0.004)
    await group.write(600, keys=40)
    first = await group.member(ledger)
    await eventually(lambda: ledger.count > 50)
    second = await group.member(ledger)
    # The group tells its members one after another; meanwhile a partition may be nobody's.
    await eventually(
        lambda: (
            bool(first.lanes.assignment)
            and bool(second.lanes.assignment)
            and len(first.lanes.assignment | second.lanes.assignment) == 6
        )
    )
    assert not first.lanes.assignment & second.lanes.assignment
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
