"""What this process knows of its own requests, beyond what is in the ledger.

Between a request and its result's entry in the ledger MongoDB may go away, or the handler may be
cancelled. The process remembers what it asked and what it heard, so that its own claim, met again,
is judged by what happened and not taken for one whose owner died.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta

from recado.channels.errors import ResultUnknown, SendError
from recado.dispatcher.delivery import Delivery
from recado.dispatcher.ports import Clock

FORGOTTEN_AFTER = timedelta(hours=1)
"""Of a result that nobody came back for: its partition went to another process for good."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The platform took the part."""

    platform_message_id: str


Result = Accepted | SendError


@dataclass(slots=True)
class _Attempt:
    number: int
    begun_at: datetime
    result: Result | None = None


class NotAsked:
    """Nothing was asked under this claim: the claim was stored, but its answer got lost."""


class UnderWay:
    """A request of this claim is under way in this process."""


class Attempts:
    """The requests of this process run, by answer and part."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._attempts: dict[tuple[str, int], _Attempt] = {}

    async def run(
        self, delivery: Delivery, number: int, request: Awaitable[str], *, timeout: timedelta
    ) -> Result:
        """Await the request for at most `timeout`; its result, remembered until `forget`."""
        self._forget_old()
        attempt = _Attempt(delivery.parts[number].attempt, self._clock())
        self._attempts[delivery.id, number] = attempt
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                attempt.result = Accepted(await request)
        except SendError as error:
            attempt.result = error
        except TimeoutError:
            attempt.result = ResultUnknown("no answer in time")
        finally:
            # Cancelled, or a fault in the sender: bytes may have gone out.
            attempt.result = attempt.result or ResultUnknown("interrupted")
        return attempt.result

    def find(self, delivery: Delivery, number: int) -> Result | NotAsked | UnderWay:
        """What is known of a claim of this process run."""
        attempt = self._attempts.get((delivery.id, number))
        if attempt is None or attempt.number != delivery.parts[number].attempt:
            return NotAsked()
        return UnderWay() if attempt.result is None else attempt.result

    def forget(self, delivery: Delivery, number: int) -> None:
        """The ledger has it now."""
        self._attempts.pop((delivery.id, number), None)

    def _forget_old(self) -> None:
        limit = self._clock() - FORGOTTEN_AFTER
        for key, attempt in [*self._attempts.items()]:
            if attempt.begun_at >= limit:
                break  # in order of time
            del self._attempts[key]
