"""Deduplication at the door: what Kafka acknowledged in the last minutes is not published again.

Platforms repeat a webhook whose answer they did not get, mostly within minutes. What it promises:

- An id counts as published only after Kafka acknowledged its event; one whose publishing failed is
  published by the next request that brings it.
- Of two requests that bring an id at once one publishes it. The other waits for that and shares the
  result: the acknowledgement, or the failure, so that neither is answered before Kafka has it.
- An id is remembered for `age` at least, unless more than `most` others came since, and for twice
  that at most. Memory is bounded by twice `most` ids, some 100 bytes each.

It is a courtesy to whoever reads the topics, and the memory of one process: a repeat that reaches
another one, or a new one, is published. The ledger of deliveries is the truth.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from recado.ingress.errors import Unavailable


class Repeats:
    """Which events were published lately, or are being published. Belongs to one event loop."""

    def __init__(
        self, *, most: int, age: timedelta, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._age = age.total_seconds()
        self._clock = clock
        # Two generations: the older goes as a whole, so that forgetting costs nothing.
        self._newer: set[bytes] = set()
        self._older: set[bytes] = set()
        self._since = clock()
        self._under_way: dict[bytes, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        """How many ids are remembered."""
        return len(self._newer) + len(self._older)

    @asynccontextmanager
    async def taking(self, ids: Sequence[UUID]) -> AsyncIterator[frozenset[int]]:
        """The places in `ids` of those to be published in the block, whose end says that they are.

        The others were published before, are so now by another request, or are in `ids` twice. When
        the block raises, its ids are not published, and who waits for them gets the same error if
        it is `Unavailable`. Raises what the publishing of another request raised.
        """
        names = [one.bytes for one in ids]
        while waits := {self._under_way[name] for name in names if name in self._under_way}:
            for wait in waits:
                # Cancelled: the other request went away, so that it is this one's turn.
                await asyncio.wait({wait})
                if not wait.cancelled():
                    wait.result()
        self._forget()
        fresh: dict[bytes, int] = {}
        for place, name in enumerate(names):
            if name not in self._newer and name not in self._older:
                fresh.setdefault(name, place)
        if not fresh:
            yield frozenset()
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.update(dict.fromkeys(fresh, done))
        try:
            yield frozenset(fresh.values())
        except Unavailable as failure:
            done.set_exception(failure)
            done.exception()  # nobody may be waiting, and asyncio would report it as lost
            raise
        else:
            done.set_result(None)
            self._newer.update(fresh)
        finally:
            done.cancel()
            for name in fresh:
                del self._under_way[name]

    def _forget(self) -> None:
        now = self._clock()
        if now - self._since < self._age and len(self._newer) < self._most:
            return
        # After a quiet time both are too old.
        self._older = self._newer if now - self._since < 2 * self._age else set()
        self._newer = set()
        self._since = now
