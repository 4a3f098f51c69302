"""An event is published once: by whom, when it counts, and what is forgotten."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from recado.ingress.errors import KafkaAway
from recado.ingress.repeats import Repeats

MINUTE = timedelta(minutes=1)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def ids(*numbers: int) -> list[UUID]:
    return [UUID(int=number) for number in numbers]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def repeats(clock: Clock) -> Repeats:
    return Repeats(most=100, age=MINUTE, clock=clock)


async def publish(repeats: Repeats, wanted: Sequence[UUID]) -> set[int]:
    """What had to be published of these, by number."""
    async with repeats.taking(wanted) as places:
        return {wanted[place].int for place in places}


async def test_what_was_published_is_not_published_again(repeats: Repeats) -> None:
    assert await publish(repeats, ids(1, 2)) == {1, 2}
    assert await publish(repeats, ids(2, 3)) == {3}


async def test_an_id_twice_in_one_request_is_published_once(repeats: Repeats) -> None:
    async with repeats.taking(ids(1, 1, 2)) as places:
        assert places == {0, 2}


async def test_what_failed_is_published_by_the_next(repeats: Repeats) -> None:
    with pytest.raises(KafkaAway):
        async with repeats.taking(ids(1)):
            raise KafkaAway("away")
    assert await publish(repeats, ids(1)) == {1}


async def test_a_bug_in_between_leaves_nothing_behind(repeats: Repeats) -> None:
    with pytest.raises(ZeroDivisionError):
        async with repeats.taking(ids(1)):
            raise ZeroDivisionError
    assert await publish(repeats, ids(1)) == {1}


class Slow:
    """A request that publishes until it is told how that ends."""

    def __init__(self, repeats: Repeats, wanted: Sequence[UUID]) -> None:
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._run(repeats, wanted))

    async def _run(self, repeats: Repeats, wanted: Sequence[UUID]) -> None:
        async with repeats.taking(wanted):
            await self.end


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_second_of_two_at_once_waits_for_the_acknowledgement(repeats: Repeats) -> None:
    first = Slow(repeats, ids(1))
    await settled()
    second = asyncio.create_task(publish(repeats, ids(1, 2)))
    await settled()
    assert not second.done()
    first.end.set_result(None)
    assert await second == {2}
    await first.task


async def test_the_second_of_two_at_once_shares_the_failure(repeats: Repeats) -> None:
    first = Slow(repeats, ids(1))
    await settled()
    second = asyncio.create_task(publish(repeats, ids(1)))
    await settled()
    first.end.set_exception(KafkaAway("away"))
    with pytest.raises(KafkaAway):
        await second
    with pytest.raises(KafkaAway):
        await first.task
    assert await publish(repeats, ids(1)) == {1}


async def test_when_the_first_goes_away_it_is_the_seconds_turn(repeats: Repeats) -> None:
    first = Slow(repeats, ids(1))
    await settled()
    second = asyncio.create_task(publish(repeats, ids(1)))
    await settled()
    first.task.cancel()
    assert await second == {1}


async def test_two_requests_with_each_others_ids_do_not_wait_for_ever(repeats: Repeats) -> None:
    first = Slow(repeats, ids(1, 2))
    await settled()
    others = [asyncio.create_task(publish(repeats, ids(*both))) for both in ((2, 1, 3), (3, 2))]
    await settled()
    first.end.set_result(None)
    async with asyncio.timeout(5):
        published = await asyncio.gather(*others)
    assert sorted(number for one in published for number in one) == [3]


async def test_ids_are_forgotten_in_time(repeats: Repeats, clock: Clock) -> None:
    await publish(repeats, ids(1))
    clock.now = 59
    assert await publish(repeats, ids(1)) == set()
    clock.now = 121
    assert await publish(repeats, ids(1)) == {1}


async def test_an_id_is_remembered_for_its_age_though_others_come(
    repeats: Repeats, clock: Clock
) -> None:
    clock.now = 59
    await publish(repeats, ids(1))
    clock.now = 61
    await publish(repeats, ids(2))
    clock.now = 118
    assert await publish(repeats, ids(1)) == set()


async def test_no_more_are_remembered_than_allowed(repeats: Repeats) -> None:
    for number in range(1000):
        await publish(repeats, ids(number))
        assert len(repeats) <= 200
    assert await publish(repeats, ids(*range(900, 1000))) == set()


async def given_up(repeats: Repeats, number: int) -> asyncio.Future[None]:
    """An event whose publishing failed, and that Kafka may yet acknowledge."""
    late: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    with pytest.raises(KafkaAway):
        async with repeats.taking(ids(number)):
            raise KafkaAway("away", late={UUID(int=number): late})
    return late


async def test_what_is_acknowledged_late_is_not_published_again(repeats: Repeats) -> None:
    late = await given_up(repeats, 1)
    late.set_result(None)
    assert await publish(repeats, ids(1, 2)) == {2}
    await settled()
    assert await publish(repeats, ids(1)) == set()


async def test_a_repeat_waits_for_what_becomes_of_the_first(repeats: Repeats) -> None:
    late = await given_up(repeats, 1)
    again = asyncio.create_task(publish(repeats, ids(1)))
    await settled()
    assert not again.done()
    late.set_result(None)
    assert await again == set()


async def test_a_repeat_is_refused_while_nobody_knows_and_not_published_then(
    clock: Clock,
) -> None:
    repeats = Repeats(most=100, age=MINUTE, patience=timedelta(milliseconds=1), clock=clock)
    late = await given_up(repeats, 1)
    for _ in range(2):
        with pytest.raises(KafkaAway):
            await publish(repeats, ids(1))
    assert not late.done()
    assert await publish(repeats, ids(2)) == {2}


async def test_of_repeats_that_wait_in_vain_one_publishes_and_the_others_share_it(
    repeats: Repeats,
) -> None:
    """The connection was replaced: nobody will know, so that it is published once more."""
    late = await given_up(repeats, 1)
    again = [asyncio.create_task(publish(repeats, ids(1))) for _ in range(3)]
    await settled()
    late.cancel()
    assert sorted(map(len, await asyncio.gather(*again))) == [0, 0, 1]
