"""What many callers ask for at about the same time, asked for in few requests.

A request to a database costs the same for one document as for fifty, nearly. So the first call
after a quiet time makes a request at once, with whoever asks in the same moment; what comes while
it is under way goes with the next one, `PAUSE` after it at the latest. What is promised:

- A request is made only of calls that came before it, in their order, and of `most` parts of calls
  at most (a call that is larger goes by itself).
- `ask` returns its own results, or raises what its own call led to: where a request of several
  fails for another reason than that the store is away, each of them is made again by itself.
- A call that is cancelled before its request is made is never made; afterwards it may have been.
- `ask` raises `StoreUnavailable` after `WAIT` at the latest. So many requests at most are under
  way at once; those that wait are as many as there are callers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final, Generic, TypeVar

from recado.dispatcher.errors import StoreUnavailable

PAUSE: Final = timedelta(milliseconds=4)
"""Between the beginnings of two requests at most, while calls wait."""

UNDER_WAY: Final = 2
"""Requests at once. One that is slow holds up nobody for longer than the pause; a second slow one
does, and so it should: the store has enough to do."""

WAIT: Final = timedelta(seconds=40)
"""Two of the driver's own limits and some: only a fault of ours ever reaches it."""

AskedT = TypeVar("AskedT")
ToldT = TypeVar("ToldT")

Request = Callable[[Sequence[AskedT]], Awaitable[Sequence[ToldT]]]
"""One request for all of these; a result for each, in their order."""


class _Call(Generic[AskedT, ToldT]):
    """A call of `ask` that waits."""

    __slots__ = ("asked", "told")

    def __init__(self, asked: Sequence[AskedT], told: "asyncio.Future[Sequence[ToldT]]") -> None:
        self.asked = asked
        self.told = told


class Gatherer(Generic[AskedT, ToldT]):
    """Makes one kind of request. Belongs to one event loop."""

    def __init__(self, request: Request[AskedT, ToldT], *, most: int) -> None:
        self._request = request
        self._most = most
        self._waiting: list[_Call[AskedT, ToldT]] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._timer: asyncio.Handle | None = None
        self._began_at = float("-inf")
        self._closed = False

    async def ask(self, asked: Sequence[AskedT]) -> Sequence[ToldT]:
        """The results of these, in their order. Raises `StoreUnavailable`, or what they led to."""
        if not asked:
            return ()
        if self._closed:
            raise StoreUnavailable("closed")
        loop = asyncio.get_running_loop()
        call = _Call[AskedT, ToldT](asked, loop.create_future())
        self._waiting.append(call)
        self._schedule()
        try:
            async with asyncio.timeout(WAIT.total_seconds()):
                return await call.told
        except TimeoutError:
            raise StoreUnavailable("no result in time") from None

    async def close(self) -> None:
        """Make no further request; return when those under way have ended."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting = self._waiting, []
        _tell_all(waiting, StoreUnavailable("closed"))
        await asyncio.gather(*self._under_way)

    def _schedule(self) -> None:
        if self._timer is not None or len(self._under_way) >= UNDER_WAY:
            return
        loop = asyncio.get_running_loop()
        if self._under_way:
            at = self._began_at + PAUSE.total_seconds()
            self._timer = loop.call_at(at, self._begin)
        else:
            self._timer = loop.call_soon(self._begin)

    def _begin(self) -> None:
        """Make a request of what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        waiting = [call for call in self._waiting if not call.told.done()]
        taken, size = 0, 0
        for call in waiting:
            size += len(call.asked)
            if taken and size > self._most:
                break
            taken += 1
        calls, self._waiting = waiting[:taken], waiting[taken:]
        if not calls:
            return
        self._began_at = loop.time()
        task = loop.create_task(self._make(calls), name="gathered-request")
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        if self._waiting:
            self._schedule()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if self._waiting:
            self._begin()

    async def _make(self, calls: Sequence[_Call[AskedT, ToldT]]) -> None:
        try:
            told = await self._request([one for call in calls for one in call.asked])
        except StoreUnavailable as away:
            _tell_all(calls, away)
        except Exception as error:  # noqa: BLE001 - whose it is, each finds out by itself
            if len(calls) == 1:
                _tell_all(calls, error)
            else:
                for call in calls:
                    if not call.told.done():
                        await self._make((call,))
        except BaseException:
            _tell_all(calls, StoreUnavailable("interrupted"))
            raise
        else:
            begin = 0
            for call in calls:
                end = begin + len(call.asked)
                if not call.told.done():
                    call.told.set_result(told[begin:end])
                begin = end


def _tell_all(calls: Sequence[_Call[AskedT, ToldT]], error: Exception) -> None:
    for call in calls:
        if not call.told.done():
            # Each gets one of its own: whoever raises an error adds to its traceback.
            call.told.set_exception(
                StoreUnavailable(error.cause) if isinstance(error, StoreUnavailable) else error
            )
