"""Whose turn it is to send, on a virtual clock: many answers, several processes, one platform."""

import heapq
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recado.channels.contract import Limits
from recado.dispatcher.rates import LEAD, MARGIN
from recado.dispatcher.throttling import Throttle
from recado.schemas.base import Platform
from recado.schemas.conversations import Recipient, ReplyTo

LONG = timedelta(hours=1)
RATE = 30.0
UNIFORM = Limits(per_second=RATE, chat_interval=timedelta(seconds=1))


def to(chat: int, platform: str = Platform.TELEGRAM, integration: str = "tg") -> ReplyTo:
    return ReplyTo(
        platform=platform, integration=integration, chat=str(chat), recipient=Recipient.CHAT
    )


class Clock:
    """Virtual seconds; who sleeps moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def throttle(
    clock: Clock, limits: Limits | Callable[[ReplyTo], Limits] = UNIFORM, share: float = 1.0
) -> Throttle:
    of = limits if callable(limits) else lambda _: limits
    made = Throttle(of, clock, clock.sleep)
    made.assigned(share)
    return made


async def send_all(
    clock: Clock, one: Throttle, chats: Sequence[int], asked_at: Sequence[float] | None = None
) -> list[tuple[float, int]]:
    """Have an answer sent to each of the chats as lanes would; when each went, and to whom."""
    due = [
        (clock.now + (asked_at[number] if asked_at else 0.0), number, chat)
        for number, chat in enumerate(chats)
    ]
    heapq.heapify(due)
    sent = []
    while due:
        at, number, chat = heapq.heappop(due)
        clock.now = max(clock.now, at)
        wait = one.before(UUID(int=number), to(chat), left=LONG)
        if wait:
            heapq.heappush(due, (clock.now + wait.total_seconds(), number, chat))
        else:
            assert await one.turn(UUID(int=number), to(chat), within=LONG)
            sent.append((clock.now, chat))
    return sent


def busiest_second(times: Sequence[float]) -> int:
    ordered = sorted(times)
    return max(bisect_right(ordered, at + 1 - 1e-9) - n for n, at in enumerate(ordered))


@pytest.mark.parametrize("processes", [1, 3])
async def test_2000_answers_at_once_use_the_limit_and_no_second_exceeds_it(processes: int) -> None:
    """Each process has its share of the partitions, and knows nothing of the others."""
    times: list[float] = []
    for number in range(processes):
        clock = Clock()
        clock.now += number * 0.0317  # they don't begin together
        one = throttle(clock, share=1 / processes)
        times += [at for at, _ in await send_all(clock, one, range(number, 2000, processes))]
    assert len(times) == 2000
    assert busiest_second(times) <= RATE
    assert len(times) / (max(times) - min(times)) >= 0.9 * RATE


@pytest.mark.parametrize("processes", [2, 3, 12])
async def test_processes_that_wait_send_at_different_times(processes: int) -> None:
    """A delay that all of them meet then puts few more sends into a second, not one of each."""
    times: list[float] = []
    for number in range(processes):
        clock = Clock()  # all begin together, as after a rebalance
        one = throttle(clock)
        one.assigned(1 / processes, before=number / processes)
        times += [at for at, _ in await send_all(clock, one, range(number, 600, processes))]
    even = 1 / (RATE * MARGIN)
    between = [later - at for at, later in pairwise(sorted(times))]
    assert min(between) == pytest.approx(even, rel=0.05)
    assert busiest_second(times) <= RATE * MARGIN + 1


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(min_value=0, max_value=15), st.integers(min_value=1, max_value=6)),
        min_size=1,
        max_size=80,
    )
)
async def test_whatever_comes_no_second_exceeds_a_limit(asked: list[tuple[float, int]]) -> None:
    """Neither the integration's nor that of any chat."""
    limits = Limits(per_second=5, chat_interval=timedelta(seconds=2))
    clock = Clock()
    one = throttle(clock, limits)
    sent = await send_all(clock, one, [chat for _, chat in asked], [at for at, _ in asked])
    assert busiest_second([at for at, _ in sent]) <= 5
    for chat in {chat for _, chat in sent}:
        of_it = sorted(at for at, other in sent if other == chat)
        assert all(later - at >= 2 - 1e-6 for at, later in pairwise(of_it))


async def test_one_chat_that_is_written_to_too_often_holds_up_nobody_else() -> None:
    clock = Clock()
    one = throttle(clock, Limits(per_second=30, chat_interval=timedelta(seconds=60)))
    sent = await send_all(clock, one, [7, 7, 7, 1, 2, 3])
    others = [at for at, chat in sent if chat != 7]
    assert max(others) - min(at for at, _ in sent) < 1
    assert len([1 for _, chat in sent if chat == 7]) == 3


async def test_a_burst_to_one_chat_is_allowed_where_the_platform_lends_it() -> None:
    """After a while without any; not right after an assignment, for it may be spent."""
    clock = Clock()
    limits = Limits(chat_interval=timedelta(seconds=6), chat_burst=5)
    one = throttle(clock, limits)
    first, second, *_ = [at for at, _ in await send_all(clock, one, [7, 7])]
    assert second - first >= 6 - 1e-6
    clock.now += 60
    at_once = [at for at, _ in await send_all(clock, one, [7] * 5)]
    assert at_once[-1] == at_once[0]


async def test_answers_keep_the_order_in_which_they_asked() -> None:
    clock = Clock()
    sent = await send_all(clock, throttle(clock), range(300))
    assert [chat for _, chat in sent] == list(range(300))


async def test_who_was_held_up_does_not_bunch_with_those_behind() -> None:
    """The process stood still for a second: what is due then goes apart all the same."""
    clock = Clock()
    one = throttle(clock)
    clock.now += 60
    for number in range(20):
        assert not one.before(UUID(int=number), to(number), left=LONG) or number > 13
    clock.now += 1
    times = []
    for number in range(14):
        assert await one.turn(UUID(int=number), to(number), within=LONG)
        times.append(clock.now)
    gaps = [later - at for at, later in pairwise(times)]
    assert min(gaps) >= 1 / RATE - 1e-6


async def test_a_platform_that_wants_less_gets_less_and_then_more_again() -> None:
    clock = Clock()
    one = throttle(clock)

    async def rate() -> float:
        times = [at for at, _ in await send_all(clock, one, range(5000, 5040))]
        return len(times) / (times[-1] - times[0])

    clock.now += 10
    usual = await rate()
    assert usual == pytest.approx(RATE * MARGIN, rel=0.05)
    for _ in range(5):
        one.too_fast(to(1))
        one.too_fast(to(2))  # at the same time: the same reason
        clock.now += 1
    slowed = await rate()
    assert 0.5 * usual < slowed < 0.9 * usual
    clock.now += 60
    await rate()
    assert await rate() == pytest.approx(usual, rel=0.05)


async def test_those_who_wait_lose_their_turn_when_the_rate_changes() -> None:
    """A turn that was given under a faster rate would come too early."""
    clock = Clock()
    one = throttle(clock)
    for number in range(100):
        one.before(UUID(int=number), to(number), left=LONG)
    one.assigned(0.1)
    before = clock.now
    sent = await send_all(clock, one, range(10))
    assert (sent[-1][0] - before) > 9 / (0.1 * RATE)


async def test_what_comes_in_counts_where_the_platform_counts_it() -> None:
    counted = Limits(per_second=10, counts_received=True)
    clock = Clock()
    quiet, busy = throttle(clock, counted), throttle(clock, counted)
    clock.now += 10
    for one in (quiet, busy):
        assert not one.before(UUID(int=1), to(1), left=LONG)
    for _ in range(20):
        busy.received(to(1))
    assert not quiet.before(UUID(int=2), to(2), left=LONG)
    assert busy.before(UUID(int=2), to(2), left=LONG).total_seconds() > 1


async def test_an_answer_that_would_come_too_late_takes_nobodys_turn() -> None:
    clock = Clock()
    one = throttle(clock)
    for number in range(200):
        one.before(UUID(int=number), to(number), left=LONG)
    left = timedelta(seconds=2)
    assert one.before(UUID(int=999), to(999), left=left) == left
    turn = one.before(UUID(int=1000), to(1000), left=LONG).total_seconds() + LEAD
    assert turn == pytest.approx(LEAD + 200 / (RATE * MARGIN), abs=0.05)


async def test_a_turn_that_is_too_far_away_is_not_waited_for_in_a_slot() -> None:
    clock = Clock()
    one = throttle(clock, Limits(chat_interval=timedelta(seconds=60)))
    clock.now += 100
    assert not one.before(UUID(int=1), to(1), left=LONG)
    assert not one.before(UUID(int=2), to(1), left=LONG)
    assert await one.turn(UUID(int=1), to(1), within=LONG)
    assert not await one.turn(UUID(int=2), to(1), within=timedelta(seconds=5))


async def test_a_newly_configured_rate_holds_at_once() -> None:
    configured = [Limits(per_second=100)]
    clock = Clock()
    one = throttle(clock, lambda _: configured[0])
    clock.now += 10
    await send_all(clock, one, range(50))
    configured[0] = Limits(per_second=2)
    times = [at for at, _ in await send_all(clock, one, range(100, 110))]
    assert busiest_second(times) <= 2


async def test_what_counts_no_more_is_forgotten() -> None:
    clock = Clock()
    one = throttle(clock, Limits(chat_interval=timedelta(seconds=1)))
    for chat in range(20_000):
        assert not one.before(UUID(int=chat), to(chat), left=LONG)
        assert await one.turn(UUID(int=chat), to(chat), within=LONG)
        clock.now += 0.01
    assert len(one._chats) < 3000
    assert len(one._turns) < 3000
