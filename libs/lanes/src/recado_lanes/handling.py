"""One record, from its handler's first attempt to its end: done, dead letter, or given up.

`handle` returns True when the record is done for good (its handler returned, its dead letter is
acknowledged, or it was skipped), so that it may be committed. It returns False when the lane
closes before that; the record is then read again by whoever has its partition next.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from recado_lanes.calling import call
from recado_lanes.dead_letter import DeadLetter
from recado_lanes.errors import (
    DeadLetterFailed,
    Fatal,
    Permanent,
    RecordTimedOut,
    TooManyDeadLetters,
    Transient,
    Unavailable,
)
from recado_lanes.options import LaneOptions
from recado_lanes.ports import DeadLetters, Observer, Skipped
from recado_lanes.record import Handler, Record
from recado_lanes.retry import Backoff, set_within

NO_TIME: Final = timedelta(0)


class DeadLetterGuard:
    """Counts failures of different keys in a row; shared by all partitions of a topic.

    One customer whose records all fail is no outage, many different ones are. Records without
    a key count one by one. What goes well on another topic says nothing about this one's handler.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._keys: set[bytes | str] = set()

    def failed(self, record: Record, error: BaseException) -> None:
        """Raise `TooManyDeadLetters` if this record's key is the one too many."""
        self._keys.add(record.position if record.key is None else record.key)
        if len(self._keys) >= self._limit:
            raise TooManyDeadLetters(record, len(self._keys), error)

    def succeeded(self) -> None:
        """A record was handled: the row is broken."""
        self._keys.clear()


class Outage:
    """Waits for something that is down, and says so now and then."""

    def __init__(self, options: LaneOptions, backoff: Backoff, observer: Observer) -> None:
        self._interval = options.outage_report_interval
        self._backoff = backoff
        self._observer = observer
        self._probes = 0
        self._began = 0.0
        self._reported = 0.0

    async def wait(self, record: Record, error: Exception, closing: asyncio.Event) -> bool:
        """Wait before the next probe; whether there is one (False: the lane closes)."""
        now = asyncio.get_running_loop().time()
        if self._probes == 0:
            self._began = now
        if self._probes == 0 or now - self._reported >= self._interval.total_seconds():
            self._reported = now
            lasts = timedelta(seconds=now - self._began)
            self._observer.unavailable(record, error=error, lasts=lasts)
        self._probes += 1
        return not await set_within(closing, self._backoff.before_probe(self._probes))

    def over(self, record: Record) -> None:
        """It answered again."""
        if self._probes:
            now = asyncio.get_running_loop().time()
            self._observer.available(record, lasted=timedelta(seconds=now - self._began))
            self._probes = 0


class Handling:
    """What is done with a record; one instance serves all partitions of a consumer."""

    def __init__(self, dead_letters: DeadLetters, options: LaneOptions, observer: Observer) -> None:
        self._dead_letters = dead_letters
        self._options = options
        self._observer = observer
        self._backoff = Backoff(options)
        self._guards: dict[str, DeadLetterGuard] = {}

    async def handle(self, handler: Handler, record: Record, closing: asyncio.Event) -> bool:
        """Bring one record to its end. See the module for the result. Raises `Fatal`."""
        options = self._options
        if record.value is None and not options.handle_tombstones:
            self._observer.skipped(record, Skipped.TOMBSTONE)
            return True
        loop = asyncio.get_running_loop()
        outage = Outage(options, self._backoff, self._observer)
        attempts = 0
        spent = NO_TIME
        while not closing.is_set():
            began = loop.time()
            retry_after: timedelta | None = None
            try:
                await call(
                    handler,
                    record,
                    timeout=options.record_timeout - spent,
                    grace=options.cancel_grace,
                )
            except Unavailable as error:
                if not await outage.wait(record, error, closing):
                    return False
                continue
            except Fatal:
                raise
            except (Permanent, RecordTimedOut) as error:
                outage.over(record)
                return await self._bury(record, error, attempts + 1, closing)
            except Transient as error:
                failure: Exception = error
                retry_after = error.retry_after
                limit = options.transient_attempts
            except Exception as error:  # noqa: BLE001 - a handler's bug can be any exception
                failure = error
                limit = options.bug_attempts
            else:
                outage.over(record)
                self._guard(record).succeeded()
                took = timedelta(seconds=loop.time() - began)
                self._observer.handled(record, attempts=attempts + 1, took=took)
                return True
            outage.over(record)
            attempts += 1
            wait = self._backoff.before_retry(attempts, retry_after)
            spent += timedelta(seconds=loop.time() - began) + wait
            if attempts >= limit or spent >= options.record_timeout:
                return await self._bury(record, failure, attempts, closing)
            self._observer.retrying(record, attempts=attempts, error=failure, wait=wait)
            await set_within(closing, wait)
        return False

    def _guard(self, record: Record) -> DeadLetterGuard:
        guard = self._guards.get(record.topic)
        if guard is None:
            guard = DeadLetterGuard(self._options.dead_letters_in_a_row)
            self._guards[record.topic] = guard
        return guard

    async def _bury(
        self, record: Record, error: Exception, attempts: int, closing: asyncio.Event
    ) -> bool:
        """Publish the dead letter, however long that takes; False if the lane closes first."""
        self._guard(record).failed(record, error)
        letter = DeadLetter.of(
            record,
            error,
            service=self._options.service,
            attempts=attempts,
            at=datetime.now(UTC),
        )
        outage = Outage(self._options, self._backoff, self._observer)
        while True:
            try:
                async with asyncio.timeout(self._options.dead_letter_timeout.total_seconds()):
                    await self._dead_letters.publish(letter)
            except (Unavailable, Transient, TimeoutError) as failure:
                if not await outage.wait(record, failure, closing):
                    return False
            except Exception as failure:
                raise DeadLetterFailed(record, failure) from failure
            else:
                outage.over(record)
                self._observer.dead_lettered(letter)
                return True
