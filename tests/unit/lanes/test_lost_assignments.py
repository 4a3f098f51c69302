"""An assignment that was lost: another member has the partition, and nothing is committed."""

import asyncio
from datetime import timedelta

from recado_lanes import Record
from recado_lanes.testing import poll_until

from .conftest import ZERO, Bench, Gate


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
