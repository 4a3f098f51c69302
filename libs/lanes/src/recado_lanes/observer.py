"""Observers: one that ignores everything, to derive from, and one that writes logs.

Logs carry topic, partition, offset, counts and the class of an error; never its text, a key or
a value, for these may quote a customer.
"""

import logging
from collections.abc import Collection, Mapping
from datetime import timedelta

from recado_lanes.dead_letter import DeadLetter
from recado_lanes.errors import CommitRejected, Fatal
from recado_lanes.ports import Progress, Skipped
from recado_lanes.record import Partition, Record


class BaseObserver:
    """Ignores everything."""

    def assigned(self, partitions: Collection[Partition]) -> None:
        """Ignored."""

    def revoked(
        self, partitions: Collection[Partition], *, unfinished: int, took: timedelta
    ) -> None:
        """Ignored."""

    def handled(self, record: Record, *, attempts: int, took: timedelta) -> None:
        """Ignored."""

    def skipped(self, record: Record, reason: Skipped) -> None:
        """Ignored."""

    def retrying(self, record: Record, *, attempts: int, error: Exception, wait: timedelta) -> None:
        """Ignored."""

    def dead_lettered(self, letter: DeadLetter) -> None:
        """Ignored."""

    def unavailable(
        self, record: Record, *, error: Exception, lasts: timedelta, alone: bool
    ) -> None:
        """Ignored."""

    def available(self, record: Record, *, lasted: timedelta, alone: bool) -> None:
        """Ignored."""

    def paused(self, partition: Partition, *, waiting: int) -> None:
        """Ignored."""

    def resumed(self, partition: Partition, *, waiting: int) -> None:
        """Ignored."""

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """Ignored."""

    def commit_rejected(self, offsets: Mapping[Partition, int], error: CommitRejected) -> None:
        """Ignored."""

    def failed(self, error: Fatal) -> None:
        """Ignored."""

    def progress(self, progress: Progress) -> None:
        """Ignored."""

    def metadata_read(self, partition: Partition, *, done: int, ignored: str | None) -> None:
        """Ignored."""


class LoggingObserver(BaseObserver):
    """Writes what an operator wants to know to the logger `recado_lanes`."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._log = logger or logging.getLogger("recado_lanes")

    def assigned(self, partitions: Collection[Partition]) -> None:
        """At INFO."""
        self._log.info("assigned %s", _names(partitions))

    def revoked(
        self, partitions: Collection[Partition], *, unfinished: int, took: timedelta
    ) -> None:
        """At INFO."""
        self._log.info(
            "revoked %s after %.1f s, %d records not done",
            _names(partitions),
            took.total_seconds(),
            unfinished,
        )

    def retrying(self, record: Record, *, attempts: int, error: Exception, wait: timedelta) -> None:
        """At INFO."""
        self._log.info(
            "%s failed with %s in attempt %d, again in %.1f s",
            record.position,
            type(error).__name__,
            attempts,
            wait.total_seconds(),
        )

    def dead_lettered(self, letter: DeadLetter) -> None:
        """At ERROR: somebody must look at it."""
        self._log.error(
            "%s is a dead letter after %d attempts: %s",
            letter.record.position,
            letter.attempts,
            letter.error,
        )

    def unavailable(
        self, record: Record, *, error: Exception, lasts: timedelta, alone: bool
    ) -> None:
        """At WARNING."""
        self._log.warning(
            "%s waits%s for a dependency since %.0f s (%s)",
            record.position if alone else record.source,
            " alone" if alone else "",
            lasts.total_seconds(),
            type(error).__name__,
        )

    def available(self, record: Record, *, lasted: timedelta, alone: bool) -> None:
        """At WARNING, so that it is seen wherever its beginning was."""
        self._log.warning(
            "%s goes on after %.0f s",
            record.position if alone else record.source,
            lasted.total_seconds(),
        )

    def paused(self, partition: Partition, *, waiting: int) -> None:
        """At INFO."""
        self._log.info("%s is paused, %d records wait", partition, waiting)

    def resumed(self, partition: Partition, *, waiting: int) -> None:
        """At INFO."""
        self._log.info("%s is resumed, %d records wait", partition, waiting)

    def commit_rejected(self, offsets: Mapping[Partition, int], error: CommitRejected) -> None:
        """At WARNING."""
        self._log.warning("commit rejected for %s: %s", _names(offsets), error)

    def metadata_read(self, partition: Partition, *, done: int, ignored: str | None) -> None:
        """At INFO, or at WARNING if it is ignored."""
        if ignored is None:
            self._log.info("%s: %d records beyond the offset are done", partition, done)
        else:
            self._log.warning("%s: commit metadata ignored: %s", partition, ignored)

    def failed(self, error: Fatal) -> None:
        """At CRITICAL."""
        cause = type(error.__cause__).__name__ if error.__cause__ else "no other cause"
        self._log.critical("the consumer stops: %s: %s (%s)", type(error).__name__, error, cause)


def _names(partitions: Collection[Partition]) -> str:
    return ", ".join(str(partition) for partition in sorted(partitions)) or "nothing"
