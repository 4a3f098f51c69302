"""What becomes of work after an attempt: done, again, dead letter, or waiting for an outage.

`Handling` makes the attempts of a lane and judges how they end. It starts nothing and waits for
nothing itself: that is the business of `recado_lanes.slots`.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Final

from recado_lanes.batch import Batch
from recado_lanes.dead_letter import DeadLetter
from recado_lanes.errors import (
    DeadLetterFailed,
    Fatal,
    HandlerCancelled,
    Permanent,
    RecordTimedOut,
    Transient,
    Unavailable,
)
from recado_lanes.guard import DeadLetterGuard
from recado_lanes.keylane import KeyLane
from recado_lanes.limit import Limit
from recado_lanes.options import LaneOptions
from recado_lanes.ports import DeadLetters, Observer
from recado_lanes.record import Record
from recado_lanes.retry import Backoff


class Verdict(Enum):
    """What comes next for the work in hand."""

    DONE = auto()
    """Its records may be committed."""

    AGAIN = auto()
    """The same work, after the wait."""

    NOW = auto()
    """Go on at once, in the same slot: a dead letter is to be published."""

    SPLIT = auto()
    """The batch was put back, to be handled record by record."""

    UNAVAILABLE = auto()
    """The same work, when what it needs is back."""

    DROPPED = auto()
    """It was cancelled because its partition goes; whoever has it next reads it again."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, with the error or the wait that belongs to it."""

    verdict: Verdict
    wait: timedelta = timedelta(0)
    error: Exception | None = None


DONE: Final = Judgement(Verdict.DONE)
NOW: Final = Judgement(Verdict.NOW)
SPLIT: Final = Judgement(Verdict.SPLIT)
DROPPED: Final = Judgement(Verdict.DROPPED)


class Handling:
    """One instance serves all partitions of a consumer."""

    def __init__(
        self, dead_letters: DeadLetters, options: LaneOptions, observer: Observer, limit: Limit
    ) -> None:
        self._dead_letters = dead_letters
        self._options = options
        self._observer = observer
        self._limit = limit
        self._backoff = Backoff(options)
        self._guards: dict[str, DeadLetterGuard] = {}
        self._record_timeout = options.record_timeout.total_seconds()
        self._letter_timeout = options.dead_letter_timeout.total_seconds()

    @property
    def backoff(self) -> Backoff:
        """How long to wait."""
        return self._backoff

    def seconds_left(self, lane: KeyLane) -> float:
        """How long the next attempt may take."""
        return self._letter_timeout if lane.letters else self._record_timeout - lane.spent

    def attempt(self, lane: KeyLane) -> Awaitable[None]:
        """The next attempt at the work in hand. May raise what its outcome may be."""
        if lane.letters:
            return self._dead_letters.publish(lane.letters[0])
        handler = lane.handler
        if isinstance(handler, Batch):
            return handler.handler(lane.work)
        return handler(lane.work[0])

    def outcome(self, lane: KeyLane, task: asyncio.Task[None]) -> BaseException | None:
        """The error that an attempt's task ended with; None if it did what it was to do.

        `asyncio.CancelledError` stands for work that was cancelled because its partition goes.
        """
        if task.cancelled():
            if lane.overdue:
                return self._out_of_time(lane)
            return asyncio.CancelledError() if lane.cut else HandlerCancelled(lane.work[0])
        error = task.exception()
        return self._out_of_time(lane) if error is not None and lane.overdue else error

    def judge(
        self, lane: KeyLane, error: BaseException | None, now: float, in_work: int
    ) -> Judgement:
        """What an attempt's outcome means. Raises `Fatal`."""
        if isinstance(error, asyncio.CancelledError):
            return DROPPED
        if lane.letters:
            return self._published(lane, error)
        if error is None:
            self._succeeded(lane, now - lane.began, in_work)
            return DONE
        return self._failed(lane, error, now)

    def _succeeded(self, lane: KeyLane, seconds: float, in_work: int) -> None:
        took = timedelta(seconds=seconds)
        self._limit.succeeded(seconds, in_work)
        for record in lane.work:
            self._guard(record).succeeded(record)
            self._observer.handled(record, attempts=lane.attempts + 1, took=took)

    def _failed(self, lane: KeyLane, error: BaseException, now: float) -> Judgement:
        record = lane.work[0]
        seconds = now - lane.began
        if isinstance(error, Unavailable):
            return Judgement(Verdict.UNAVAILABLE, error=error)
        if isinstance(error, Fatal) or not isinstance(error, Exception):
            raise error
        if isinstance(error, RecordTimedOut | TimeoutError) or (
            isinstance(error, Transient) and error.overloaded
        ):
            self._limit.overloaded(seconds, now)
        lane.attempts += 1
        if isinstance(error, Permanent | RecordTimedOut):
            return self._give_up(lane, error)
        options = self._options
        limit = options.bug_attempts
        retry_after: timedelta | None = None
        exactly = False
        if isinstance(error, Transient):
            limit = options.transient_attempts
            retry_after, exactly = error.retry_after, error.exactly
        wait = self._backoff.before_retry(lane.attempts, retry_after, exactly=exactly)
        lane.spent += seconds + wait.total_seconds()
        if lane.attempts >= limit or lane.spent >= self._record_timeout:
            return self._give_up(lane, error)
        self._observer.retrying(record, attempts=lane.attempts, error=error, wait=wait)
        return Judgement(Verdict.AGAIN, wait=wait)

    def _give_up(self, lane: KeyLane, error: Exception) -> Judgement:
        record, *others = lane.work
        if others:
            self._observer.retrying(record, attempts=lane.attempts, error=error, wait=timedelta(0))
            lane.split()
            return SPLIT
        self._guard(record).failed(record, error)
        letter = DeadLetter.of(
            record,
            error,
            service=self._options.service,
            attempts=lane.attempts,
            at=datetime.now(UTC),
        )
        lane.letters = deque([letter])
        return NOW

    def _published(self, lane: KeyLane, error: BaseException | None) -> Judgement:
        letter = lane.letters[0]
        if error is None:
            lane.letters.popleft()
            self._observer.dead_lettered(letter)
            return DONE
        if isinstance(error, Unavailable | Transient | TimeoutError | RecordTimedOut):
            return Judgement(Verdict.UNAVAILABLE, error=error)
        raise DeadLetterFailed(letter.record, error) from error

    def _out_of_time(self, lane: KeyLane) -> RecordTimedOut:
        return RecordTimedOut(lane.work[0], self._options.record_timeout)

    def _guard(self, record: Record) -> DeadLetterGuard:
        guard = self._guards.get(record.topic)
        if guard is None:
            guard = self._guards[record.topic] = DeadLetterGuard(self._options)
        return guard
