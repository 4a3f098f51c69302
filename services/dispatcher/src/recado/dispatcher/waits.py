"""How long an answer waits, for a platform and for a result. It holds no slot meanwhile.

Nothing here sleeps: a wait is handed to lanes, which drops it when the partition goes. Whoever has
the partition then reads in the ledger how far things are, and these functions go by that alone.
"""

import random
from datetime import datetime, timedelta
from typing import Final

FIRST_LOOK: Final = timedelta(milliseconds=250)
LONGEST_LOOK: Final = timedelta(seconds=2)
SHARE: Final = 4

BACKOFF_FIRST: Final = timedelta(milliseconds=500)
BACKOFF_LONGEST: Final = timedelta(seconds=30)

CHAT_FIRST: Final = timedelta(seconds=4)


def before_looking(now: datetime, since: datetime, until: datetime) -> timedelta:
    """Until a result that was awaited `since` is looked for again, at `until` at the latest.

    A quarter of what it has taken so far, between 250 ms and 2 s: a result that is there is seen
    when a quarter more has passed at most, with a dozen looks and not forty.
    """
    step = min(max((now - since) / SHARE, FIRST_LOOK), LONGEST_LOOK)
    return max(min(step, until - now), timedelta(0))


def before_sending(attempt: int, wanted: timedelta | None, *, chat_only: bool = False) -> timedelta:
    """Until a part that was surely not sent is tried again, after so many attempts at it.

    Drawn from zero to a bound of 500 ms that doubles each time up to 30 s, so that answers which
    met a platform in trouble don't come back to it together; what the platform asked for at least.
    With `chat_only` too much went to one chat: 4 s, and four times as long each time (Meta).
    """
    if chat_only:
        longer: timedelta = CHAT_FIRST * 4 ** min(attempt - 1, 8)
        return max(longer, wanted or timedelta(0))
    doubled: timedelta = BACKOFF_FIRST * 2 ** min(attempt - 1, 10)
    drawn = min(doubled, BACKOFF_LONGEST) * random.random()  # noqa: S311 - no secret
    return max(drawn, wanted or timedelta(0))
