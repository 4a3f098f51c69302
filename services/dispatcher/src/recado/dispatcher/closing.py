"""Conversations in which the customer says nothing any more are closed.

Every dispatcher looks once a minute, for all conversations: a close names the last message that it
rests on, so it is the same whoever does it and however often, and a message that comes at the same
time is not lost. `closed_at` is when the silence was long enough, not when somebody looked.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from recado.dispatcher.conversing import close_by_silence
from recado.dispatcher.errors import StoreUnavailable
from recado.dispatcher.ports import Clock, Documents, Name

log = structlog.stdlib.get_logger(__name__)

EVERY: Final = timedelta(minutes=1)

AT_ONCE: Final = 500
"""Conversations of one request."""


class Closing:
    """Closes what has fallen silent."""

    def __init__(self, documents: Documents, clock: Clock, *, after: timedelta) -> None:
        self._documents = documents
        self._clock = clock
        self._after = after

    async def run(self) -> None:
        """Look again and again. A store that is away is waited for."""
        while True:
            await asyncio.sleep(EVERY.total_seconds())
            try:
                closed = await self.sweep()
            except StoreUnavailable as error:
                log.warning("conversations.not_closed", error=str(error))
            else:
                if closed:
                    log.info("conversations.closed", conversations=closed)

    async def sweep(self) -> int:
        """Close all that are silent for so long now; how many were found."""
        until, found = self._clock() - self._after, 0
        while True:
            silent = await self._documents.select(
                Name.CONVERSATIONS,
                {"is_active": True, "last_message_at": {"$lt": until}},
                by="last_message_at",
                most=AT_ONCE,
            )
            changes = [
                close_by_silence(str(row["_id"]), last, self._after)
                for row in silent
                if isinstance(last := row["last_message_at"], datetime)
            ]
            if changes:
                await self._documents.apply(changes)
            found += len(changes)
            if len(silent) < AT_ONCE:
                return found
