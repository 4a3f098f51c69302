"""How long to wait: before a retry, and for what is unavailable.

Retries wait with exponential backoff and full jitter: uniformly drawn between zero and a bound
that doubles up to a maximum, so that many lanes that failed together don't come back together.
A wait that the other side asked for (`Retry-After`) is a lower bound. Probes of the unavailable
wait at least half of their bound, for nothing is gained by hammering what is down.
"""

import asyncio
from datetime import timedelta

from tenacity import AsyncRetrying, RetryCallState
from tenacity.wait import wait_base, wait_exponential, wait_random_exponential

from recado_lanes.options import LaneOptions


class Backoff:
    """Computes waits. `attempt` counts from 1, the attempt that has just failed."""

    def __init__(self, options: LaneOptions) -> None:
        self._retry = wait_random_exponential(
            multiplier=options.backoff_initial.total_seconds(),
            max=options.backoff_max.total_seconds(),
        )
        half = options.probe_initial.total_seconds() / 2
        half_max = options.probe_max.total_seconds() / 2
        self._probe_floor = wait_exponential(multiplier=half, max=half_max)
        self._probe_jitter = wait_random_exponential(multiplier=half, max=half_max)

    def before_retry(
        self, attempt: int, retry_after: timedelta | None = None, *, exactly: bool = False
    ) -> timedelta:
        """The wait before the next attempt."""
        if exactly and retry_after is not None:
            return retry_after
        drawn = timedelta(seconds=_compute(self._retry, attempt))
        return drawn if retry_after is None else max(drawn, retry_after)

    def before_probe(self, attempt: int) -> timedelta:
        """The wait before the unavailable is tried again."""
        floor = _compute(self._probe_floor, attempt)
        return timedelta(seconds=floor + _compute(self._probe_jitter, attempt))


def _compute(wait: wait_base, attempt: int) -> float:
    state = RetryCallState(retry_object=AsyncRetrying(), fn=None, args=(), kwargs={})
    state.attempt_number = attempt
    return wait(state)


async def set_within(event: asyncio.Event, wait: timedelta) -> bool:
    """Wait that long, or until the event is set; whether it is set."""
    try:
        async with asyncio.timeout(wait.total_seconds()):
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True
