"""Calls that are gathered: few requests, and to each caller its own results and errors."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest

from recado.dispatcher import gatherer
from recado.dispatcher.errors import StoreUnavailable
from recado.dispatcher.gatherer import UNDER_WAY, Gatherer

MOST = 6


class Store:
    """Squares numbers; a request waits as long as it is told."""

    def __init__(self) -> None:
        self.requests: list[list[int]] = []
        self.waits_for: Callable[[Sequence[int]], Awaitable[object]] | None = None
        self.gatherer = Gatherer(self.request, most=MOST)

    async def request(self, asked: Sequence[int]) -> Sequence[int]:
        self.requests.append([*asked])
        if self.waits_for is not None:
            await self.waits_for(asked)
        if 0 in asked:
            raise ValueError("nothing")
        return [number * number for number in asked]

    def ask(self, *numbers: int) -> "asyncio.Task[Sequence[int]]":
        return asyncio.create_task(self.gatherer.ask(numbers))


@pytest.fixture
async def store() -> Store:
    return Store()


async def test_who_asks_at_the_same_moment_shares_a_request(store: Store) -> None:
    """And gets what it asked for itself, in order."""
    told = await asyncio.gather(store.ask(1, 2), store.ask(3), store.ask(4, 5))
    assert [list(each) for each in told] == [[1, 4], [9], [16, 25]]
    assert store.requests == [[1, 2, 3, 4, 5]]


async def test_what_comes_while_requests_are_under_way_goes_with_the_next_one(
    store: Store,
) -> None:
    """There are never more under way than the bound, and then all that waits goes together."""
    answers = asyncio.Event()
    store.waits_for = lambda _asked: answers.wait()
    calls = []
    for number in range(1, UNDER_WAY + 1):
        calls.append(store.ask(number))
        while len(store.requests) < number:  # noqa: ASYNC110 - after the pause
            await asyncio.sleep(0.001)
    calls += [store.ask(10), store.ask(11), store.ask(12)]
    await asyncio.sleep(4 * gatherer.PAUSE.total_seconds())
    assert len(store.requests) == UNDER_WAY
    answers.set()
    await asyncio.gather(*calls)
    assert store.requests[UNDER_WAY:] == [[10, 11, 12]]


async def test_a_request_holds_so_much_at_most(store: Store) -> None:
    """What is left goes with the next; a call that is larger by itself goes alone."""
    calls = [store.ask(*range(1, 5)), store.ask(5, 6, 7), store.ask(*range(1, 10)), store.ask(8)]
    told = await asyncio.gather(*calls)
    assert store.requests == [[1, 2, 3, 4], [5, 6, 7], [*range(1, 10)], [8]]
    assert list(told[2]) == [number * number for number in range(1, 10)]


async def test_an_error_goes_to_the_call_that_it_concerns(store: Store) -> None:
    """The calls beside it are made again, each by itself, and get their results."""
    good, bad, other = store.ask(1), store.ask(2, 0), store.ask(3)
    await asyncio.wait([good, bad, other])
    assert list(await good) == [1]
    assert list(await other) == [9]
    assert isinstance(bad.exception(), ValueError)
    assert store.requests == [[1, 2, 0, 3], [1], [2, 0], [3]]


async def test_a_store_that_is_away_is_told_to_all_that_asked_it_and_not_asked_again(
    store: Store,
) -> None:
    """Each has an error of its own, so that no traceback grows with the number of callers."""

    async def away(_asked: Sequence[int]) -> None:
        raise StoreUnavailable("away")

    store.waits_for = away
    calls = [store.ask(1), store.ask(2)]
    await asyncio.wait(calls)
    errors = [call.exception() for call in calls]
    assert all(isinstance(error, StoreUnavailable) for error in errors)
    assert errors[0] is not errors[1]
    assert store.requests == [[1, 2]]
    store.waits_for = None
    assert list(await store.ask(3)) == [9]


async def test_a_cancelled_call_is_not_made_unless_its_request_is_under_way(store: Store) -> None:
    """And takes nothing from the others, before and after."""
    left, kept = store.ask(1), store.ask(2)
    await asyncio.sleep(0)
    left.cancel()
    assert list(await kept) == [4]
    assert store.requests == [[2]]
    answers, begun = asyncio.Event(), asyncio.Event()

    async def wait(_asked: Sequence[int]) -> None:
        begun.set()
        await answers.wait()

    store.waits_for = wait
    left, kept = store.ask(3), store.ask(4)
    await begun.wait()
    left.cancel()
    await asyncio.wait([left])
    answers.set()
    assert list(await kept) == [16]
    assert left.cancelled()
    assert store.requests[1:] == [[3, 4]]


async def test_a_wait_has_an_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gets no result is told that the store is away; nobody waits for ever."""
    monkeypatch.setattr(gatherer, "WAIT", timedelta(milliseconds=20))
    never = asyncio.Event()
    store.waits_for = lambda _asked: never.wait()
    for _ in range(UNDER_WAY + 1):  # the last of them is not even asked for
        with pytest.raises(StoreUnavailable):
            await store.gatherer.ask((1,))
    assert len(store.requests) == UNDER_WAY
    never.set()


async def test_closing_ends_what_waits_and_awaits_what_is_under_way(store: Store) -> None:
    """Afterwards nothing is asked any more."""
    answers, begun = asyncio.Event(), asyncio.Event()

    async def wait(_asked: Sequence[int]) -> None:
        begun.set()
        await answers.wait()

    store.waits_for = wait
    under_way = store.ask(1)
    await begun.wait()
    waiting = store.ask(2)
    await asyncio.sleep(0)
    closing = asyncio.create_task(store.gatherer.close())
    await asyncio.wait([waiting])
    assert isinstance(waiting.exception(), StoreUnavailable)
    assert not closing.done()
    answers.set()
    await closing
    assert list(await under_way) == [1]
    with pytest.raises(StoreUnavailable):
        await store.gatherer.ask((3,))
    assert store.requests == [[1]]
