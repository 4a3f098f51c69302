"""The errors of lanes.

    LaneError
    ├── Transient        raised by a handler: try again, here, in a while
    ├── Permanent        raised by a handler: this record can never succeed, dead letter at once
    ├── Unavailable      raised by a handler: a dependency is down, wait for it
    ├── RecordTimedOut   named by a dead letter: the record used up its time
    ├── HandlerCancelled named by a dead letter: the handler cancelled itself
    ├── CommitRejected   raised by a consumer port: the group has moved on
    └── Fatal            ends the consumer, surfaces from `Lanes.run`
        ├── TooManyDeadLetters
        ├── DeadLetterFailed
        ├── RestoreFailed
        ├── HandlerStuck
        ├── UnknownTopic
        ├── OffsetWentBack
        └── ConsumerFailed

Any other exception of a handler is taken for a bug: a few attempts, then a dead letter.
"""

from datetime import timedelta

from recado_lanes.record import Partition, Record


class LaneError(Exception):
    """Base of every error of this library."""


class Transient(LaneError):
    """It may work in a moment: a time-out, a rate limit, a conflict.

    The record is tried again in place after exponential backoff with full jitter, bounded by
    `LaneOptions.transient_attempts` and `record_timeout`; then it becomes a dead letter.
    `retry_after` is the shortest wait that the other side asked for. `overloaded` says that the
    other side has too much to do, as HTTP's 429 does, and halves an adaptive limit; if it is not
    given, a wait that was asked for is taken for that. With `exactly` the wait is `retry_after` and
    no longer: the handler has worked out when it is this record's turn.
    """

    def __init__(
        self,
        message: str,
        retry_after: timedelta | None = None,
        *,
        overloaded: bool | None = None,
        exactly: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.overloaded = retry_after is not None if overloaded is None else overloaded
        self.exactly = exactly


class Permanent(LaneError):
    """It will never work for this record: it becomes a dead letter at once."""


class Unavailable(LaneError):
    """A dependency is down, and the record is not to blame.

    No more records are begun, of no key; one at a time is tried now and then until one is
    answered otherwise. No attempt and none of the record's time is spent; nothing is lost.
    With `only_key` the others go on: what is down is of no concern to them.
    """

    def __init__(self, message: str, *, only_key: bool = False) -> None:
        super().__init__(message)
        self.only_key = only_key


class RecordTimedOut(LaneError):
    """Handling a record, with its retries, took longer than `LaneOptions.record_timeout`."""

    def __init__(self, record: Record, timeout: timedelta) -> None:
        super().__init__(f"{record.position} was not handled within {timeout}")


class HandlerCancelled(LaneError):
    """A handler ended itself by cancellation although nobody asked it to."""

    def __init__(self, record: Record) -> None:
        super().__init__(f"the handler of {record.position} cancelled itself")


class CommitRejected(LaneError):
    """The group did not take the offsets, as in mid-rebalance, or did not answer in time.

    They are not recorded as committed; they are sent again, or read again after the rebalance.
    """


class Fatal(LaneError):
    """The consumer can't go on. Nothing that was not handled has been committed."""


class TooManyDeadLetters(Fatal):
    """So many records of different keys failed that it must be an outage.

    They failed in a row, or are too large a share of all keys that were seen of late (`of`). The
    record that reached the limit is neither a dead letter nor committed.
    """

    def __init__(
        self, record: Record, keys: int, last: BaseException, *, of: int | None = None
    ) -> None:
        many = f"{keys} keys in a row" if of is None else f"{keys} of {of} keys"
        super().__init__(
            f"{many} would be dead letters, the last at {record.position} "
            f"({type(last).__name__}): stopped rather than empty the topic"
        )
        self.record = record
        self.keys = keys


class DeadLetterFailed(Fatal):
    """A dead letter was refused for good, so that its record can't be got out of the way."""

    def __init__(self, record: Record, cause: BaseException) -> None:
        super().__init__(f"the dead letter of {record.position} failed: {type(cause).__name__}")
        self.record = record


class RestoreFailed(Fatal):
    """The restore hook of a partition failed as often as it may."""

    def __init__(self, partition: Partition, cause: BaseException) -> None:
        super().__init__(f"restoring {partition} failed: {type(cause).__name__}")
        self.partition = partition


class HandlerStuck(Fatal):
    """A handler ignored its cancellation; only the end of the process ends it."""

    def __init__(self, record: Record) -> None:
        super().__init__(f"the handler of {record.position} ignores its cancellation")
        self.record = record


class UnknownTopic(Fatal):
    """A record came from a topic for which there is no handler: a mistake in the wiring."""

    def __init__(self, record: Record) -> None:
        super().__init__(f"no handler for {record.position}")
        self.record = record


class OffsetWentBack(Fatal):
    """An offset came again within one assignment: the log was cut or made anew.

    To skip it would lose records, so the consumer stops; after a new start it reads from what
    is committed, or says that this no longer exists.
    """

    def __init__(self, record: Record, expected: int) -> None:
        super().__init__(f"{record.position} came when {expected} or later was expected")
        self.record = record
        self.expected = expected


class ConsumerFailed(Fatal):
    """The Kafka client failed in a way that does not pass; its error is the cause."""
