"""What a process knows of its own requests."""

import asyncio
from datetime import timedelta

import pytest

from recado.channels.contract import Part
from recado.channels.errors import ResultUnknown
from recado.dispatcher.attempts import (
    FORGOTTEN_AFTER,
    Accepted,
    Attempts,
    NotAsked,
    UnderWay,
)
from recado.dispatcher.delivery import Delivery
from support.dispatching import NOW, World, answer, outgoing

TIMEOUT = timedelta(seconds=5)


async def opened(world: World, number: int = 1) -> Delivery:
    delivery = await world.ledger.open(outgoing(answer(number)), (Part(text="hola"),))
    claimed = await world.ledger.claim(delivery, 0)
    assert claimed is not None
    return claimed


async def accepted() -> str:
    return "wamid"


async def test_a_result_is_remembered_until_it_is_forgotten() -> None:
    """Also while it is not there yet; afterwards nothing is left of it."""
    world, attempts = World(), Attempts(lambda: NOW)
    delivery = await opened(world)
    assert isinstance(attempts.find(delivery, 0), NotAsked)

    async def looks() -> str:
        assert isinstance(attempts.find(delivery, 0), UnderWay)
        return "wamid"

    await attempts.run(delivery, 0, looks(), timeout=TIMEOUT)
    assert attempts.find(delivery, 0) == Accepted("wamid")
    attempts.forget(delivery, 0)
    assert isinstance(attempts.find(delivery, 0), NotAsked)


async def test_a_cancelled_request_has_an_unknown_result() -> None:
    """Its bytes may have gone out; it is not under way any more."""
    world, attempts = World(), Attempts(lambda: NOW)
    delivery = await opened(world)
    asked = asyncio.Event()

    async def hangs() -> str:
        asked.set()
        await asyncio.Event().wait()
        return "never"

    task = asyncio.create_task(attempts.run(delivery, 0, hangs(), timeout=TIMEOUT))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert isinstance(attempts.find(delivery, 0), ResultUnknown)


async def test_a_delivered_answer_leaves_nothing_to_remember() -> None:
    """Memory does not grow with what was sent."""
    world = World()
    await world.take(answer(1), answer(2))
    for event in (answer(1), answer(2)):
        delivery = await world.ledger.read(str(event.id))
        assert isinstance(world.attempts.find(delivery, 0), NotAsked)


async def test_a_result_that_nobody_came_back_for_is_forgotten_in_the_end() -> None:
    """Its partition went elsewhere while MongoDB was away."""
    world = World()
    attempts = Attempts(world.clock)
    old, new = await opened(world, 1), await opened(world, 2)
    await attempts.run(old, 0, accepted(), timeout=TIMEOUT)
    world.now += FORGOTTEN_AFTER + timedelta(seconds=1)
    await attempts.run(new, 0, accepted(), timeout=TIMEOUT)
    assert isinstance(attempts.find(old, 0), NotAsked)
    assert attempts.find(new, 0) == Accepted("wamid")
