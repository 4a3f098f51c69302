"""Deduplication at the door: what Kafka acknowledged in the last minutes is not published again.

Platforms repeat a webhook whose answer they did not get, mostly within minutes. What it promises:

- An id counts as published only after Kafka acknowledged its event; one whose publishing failed is
  published by the next request that brings it.
- Of two requests that bring an id at once one publishes it. The other waits for that and shares the
  result: the acknowledgement, or the failure, so that neither is answered before Kafka has it.
- An event that was given up may yet be acknowledged, since the client keeps it. Until that is known
  it is not handed over again: a request that brings it waits for `patience`, then it is refused.
  Once acknowledged it counts as published; once its connection is closed nobody knows, and the next
  request that brings it publishes it.
- An id is remembered for `age` at least, unless more than `most` others came since, and for twice
  that at most. Memory is bounded by twice `most` ids, some 100 bytes each.

It is a courtesy to whoever reads the topics, and the memory of one process: a repeat that reaches
another one, or a new one, is published. The ledger of deliveries is the truth.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from recado.ingress.errors import KafkaAway, Unavailable

PATIENCE = timedelta(seconds=3)
"""As long as Kafka may take to acknowledge, unless told otherwise."""


class Repeats:
    """Which events were published lately, or are being published. Belongs to one event loop."""

    def __init__(
        self,
        *,
        most: int,
        age: timedelta,
        patience: timedelta = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._age = age.total_seconds()
        self._patience = patience.total_seconds()
        self._clock = clock
        # Two generations: the older goes as a whole, so that forgetting costs nothing.
        # By their numbers: those are smaller than UUIDs, and found without Python's help.
        self._newer: set[int] = set()
        self._older: set[int] = set()
        self._since = clock()
        self._under_way: dict[int, _Taking] = {}
        # As many as the client holds, which is bounded (`recado.ingress.outbox`).
        self._late: dict[int, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        """How many ids are remembered."""
        return len(self._newer) + len(self._older)

    def taking(self, ids: Sequence[UUID]) -> "_Taking":
        """An async context: the places in `ids` of those to be published in its block.

        The end of the block says that they are. The others were published before, are so now by
        another request, or are in `ids` twice. When the block raises, its ids are not published,
        and who waits for them gets the same error if it is `Unavailable`; those that Kafka may yet
        acknowledge (`KafkaAway.late`) are remembered once it does. Entering raises what the
        publishing of another request raised.
        """
        return _Taking(self, ids)

    def _is_settled(self, names: Sequence[int]) -> bool:
        """Whether none of these is being published, nor may be acknowledged yet."""
        return self._under_way.keys().isdisjoint(names) and self._late.keys().isdisjoint(names)

    async def _settled(self, names: Sequence[int]) -> None:
        """Wait until all of them are settled."""
        while True:
            if others := {self._under_way[name] for name in names if name in self._under_way}:
                for wait in [other.outcome() for other in others]:
                    # Cancelled: the other request went away, so that it is this one's turn.
                    await asyncio.wait({wait})
                    if not wait.cancelled():
                        wait.result()
            elif waits := {self._late[name] for name in names if name in self._late}:
                _, unknown = await asyncio.wait(waits, timeout=self._patience)
                if unknown:
                    raise KafkaAway("the event log did not acknowledge an earlier one of these")
            else:
                return

    def _fresh(self, names: Sequence[int]) -> dict[int, int]:
        """The place of each that is to be published."""
        self._forget()
        newer, older = self._newer, self._older
        fresh: dict[int, int] = {}
        for place, name in enumerate(names):
            if name not in newer and name not in older:
                fresh.setdefault(name, place)
        return fresh

    def _given_up(self, names: Iterable[int], late: Mapping[UUID, "asyncio.Future[None]"]) -> None:
        for name in names:
            if (outcome := late.get(UUID(int=name))) is not None:
                self._late[name] = outcome
                outcome.add_done_callback(partial(self._learn, name))

    def _learn(self, name: int, outcome: "asyncio.Future[None]") -> None:
        if self._late.get(name) is outcome:
            del self._late[name]
        if not outcome.cancelled():
            self._forget()
            self._newer.add(name)

    def _forget(self) -> None:
        now = self._clock()
        if now - self._since < self._age and len(self._newer) < self._most:
            return
        # After a quiet time both are too old.
        self._older = self._newer if now - self._since < 2 * self._age else set()
        self._newer = set()
        self._since = now


class _Taking:
    """A request's hold on the ids that it publishes."""

    __slots__ = ("_fresh", "_names", "_outcome", "_repeats")

    def __init__(self, repeats: Repeats, ids: Sequence[UUID]) -> None:
        self._repeats = repeats
        self._names = [one.int for one in ids]
        self._fresh: dict[int, int] = {}
        # Hardly any is ever waited for.
        self._outcome: asyncio.Future[None] | None = None

    def outcome(self) -> "asyncio.Future[None]":
        """What becomes of its block: its end, its error where it is shared, or a cancellation."""
        if self._outcome is None:
            self._outcome = asyncio.get_running_loop().create_future()
        return self._outcome

    async def __aenter__(self) -> frozenset[int]:
        repeats, names = self._repeats, self._names
        if not repeats._is_settled(names):
            await repeats._settled(names)
        fresh = self._fresh = repeats._fresh(names)
        for name in fresh:
            repeats._under_way[name] = self
        return frozenset(fresh.values())

    async def __aexit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        repeats, fresh, outcome = self._repeats, self._fresh, self._outcome
        for name in fresh:
            del repeats._under_way[name]
        if error is None:
            repeats._newer.update(fresh)
        elif isinstance(error, KafkaAway):
            repeats._given_up(fresh, error.late)
        if outcome is None:
            return
        if error is None:
            outcome.set_result(None)
        elif isinstance(error, Unavailable):
            outcome.set_exception(error)
            outcome.exception()  # who waited may be gone, and asyncio would report it as lost
        else:
            outcome.cancel()
