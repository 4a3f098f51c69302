"""One process at a time makes a LanceDB table; the kernel lets go for one that dies.

LanceDB 0.40 does not see to it: of two that create a table at once one overwrites the other's, with
what is in it by then, or fails over its index.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import partial
from pathlib import Path
from typing import Final

_LOCK: Final = ".making"
_LOOK_AGAIN: Final = timedelta(milliseconds=20)


@asynccontextmanager
async def sole_maker(store: Path) -> AsyncIterator[None]:
    """Wait, for as long as the caller allows, until nobody else makes a table in this directory.

    Makes the directory. Raises OSError where that can't be done.
    """
    await asyncio.to_thread(partial(store.mkdir, parents=True, exist_ok=True))
    with (store / _LOCK).open("wb") as lock:
        while True:
            try:
                flock(lock, LOCK_EX | LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(_LOOK_AGAIN.total_seconds())
        yield
