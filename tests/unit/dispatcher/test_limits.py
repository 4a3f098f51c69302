"""An answer and the platform's limits: what it does while it is not its turn."""

from datetime import timedelta

import pytest

from recado.channels.contract import Limits
from recado.channels.errors import RetryLater
from recado.dispatcher.delivery import PartState
from recado.dispatcher.handlers import LookAgain
from recado.dispatcher.ports import Name
from recado.schemas.events import AnswerDelivered
from recado_lanes import Transient
from support.dispatching import TELEGRAM, WHATSAPP, World, answer, message, record

ONE_A_MINUTE = Limits(per_second=1 / 60)


async def test_an_answer_whose_turn_is_later_claims_nothing_and_holds_no_slot() -> None:
    """It comes again just when it is its turn, and is sent then."""
    world = World()
    world.platforms.limited = ONE_A_MINUTE
    first, second = answer(1), answer(2)
    await world.take(first)
    with pytest.raises(LookAgain) as waiting:
        await world.handlers.handle(record(second))
    assert waiting.value.exactly
    assert timedelta(seconds=55) < waiting.value.wait < timedelta(seconds=70)
    assert await world.documents.read(Name.DELIVERIES, str(second.id)) is None
    await world.take(second)
    assert world.platforms.arrived == ["respuesta a 1", "respuesta a 2"]


async def test_the_parts_of_an_answer_keep_the_distance_that_a_chat_wants() -> None:
    world = World()
    world.platforms.limited = Limits(chat_interval=timedelta(seconds=30))
    long = answer(1, reply_to=TELEGRAM, text="\n\n".join(["párrafo " * 400] * 3))
    await world.take(long)
    parts = len(world.platforms.arrived)
    assert parts > 1
    assert sum(world.waited, timedelta(0)) >= (parts - 1) * timedelta(seconds=29)
    assert isinstance(world.published[-1], AnswerDelivered)


async def test_too_much_for_one_chat_waits_four_times_as_long_each_time() -> None:
    """4^X seconds, as Meta asks for 131056."""
    world = World()
    world.platforms.results = [RetryLater("131056", code=131056, chat_only=True)] * 3
    one = answer(1, reply_to=WHATSAPP)
    waits = []
    for _ in range(3):
        with pytest.raises(Transient) as later:
            await world.handlers.handle(record(one))
        waits.append(later.value.retry_after)
        stored = await world.ledger.read(str(one.id))
        assert stored.parts[0].state is PartState.PENDING
    assert waits == [timedelta(seconds=seconds) for seconds in (4, 16, 64)]


async def test_an_integration_that_is_too_fast_sends_more_slowly() -> None:
    world = World()
    world.platforms.limited = Limits(per_second=10)

    async def until_next(number: int) -> timedelta:
        """How long after another the next may go."""
        world.now += timedelta(minutes=2)
        await world.take(answer(number))
        begun = world.now
        await world.take(answer(number + 1))
        return world.now - begun

    usual = await until_next(1)
    world.platforms.results = [RetryLater("429", code=429, too_fast=True)]
    with pytest.raises(Transient):
        await world.handlers.handle(record(answer(10)))
    world.now += timedelta(seconds=0.6)
    await world.take(answer(11))
    begun = world.now
    await world.take(answer(12))
    assert world.now - begun > usual


async def test_messages_that_come_in_take_from_what_may_go_out() -> None:
    """Where the platform counts them; those that waited in Kafka for long count no more."""
    world = World()
    world.platforms.limited = Limits(per_second=1, counts_received=True)
    await world.take(*(message(number, occurred_at=world.now) for number in range(1, 6)))
    with pytest.raises(LookAgain) as waiting:
        await world.handlers.handle(record(answer(1)))
    assert waiting.value.wait > timedelta(seconds=4)
    other = World()
    other.platforms.limited = world.platforms.limited
    await other.take(*(message(number) for number in range(1, 6)))
    await other.take(answer(1))
    assert other.platforms.arrived


async def test_an_answer_whose_turn_would_come_too_late_expires_in_time() -> None:
    world = World()
    world.platforms.limited = Limits(per_second=1 / 3600)
    await world.take(answer(1))
    late = answer(2)
    with pytest.raises(LookAgain) as waiting:
        await world.handlers.handle(record(late))
    assert world.now + waiting.value.wait == late.deadline
    await world.take(late)
    assert [type(one).__name__ for one in world.published] == [
        "AnswerDelivered",
        "AnswerNotDelivered",
    ]
