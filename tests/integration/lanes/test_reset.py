"""Where a group begins that has committed nothing, or what no longer exists."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from recado_lanes import ConsumerFailed

from .conftest import Group, Ledger, eventually


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
