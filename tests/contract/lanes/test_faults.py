"""The contract notices each of the faults, in memory and on Apache Kafka."""

import pytest

from .faults import FAULTS, Fault
from .world import World

each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.put.__name__)


async def _is_noticed(fault: Fault, world: World, patience: float) -> None:
    """Seconds of patience are for what hangs."""
    with pytest.MonkeyPatch.context() as patch:
        fault.put(patch)
        broken: tuple[type[Exception], ...] = (AssertionError,)
        if fault.hangs:
            world.patience, broken = patience, (AssertionError, TimeoutError)
        with pytest.raises(broken):
            await fault.breaks(world)


@each_fault
async def test_it_is_noticed_in_memory(fault: Fault, fake_world: World) -> None:
    await _is_noticed(fault, fake_world, patience=0.5)


@pytest.mark.long
@each_fault
async def test_it_is_noticed_on_apache_kafka(fault: Fault, kafka_world: World) -> None:
    await _is_noticed(fault, kafka_world, patience=8)
