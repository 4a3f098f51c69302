"""What can be set about lanes."""

from dataclasses import dataclass
from datetime import timedelta

from recado_lanes.limit import Adaptive


@dataclass(frozen=True, slots=True)
class LaneOptions:
    """Limits and times of one consumer. The defaults suit handlers of some seconds.

    Raises `ValueError` when they contradict each other.
    """

    service: str
    """Who consumes; dead letters name it."""

    concurrency: int = 64
    """So many keys at most are worked on at once, over all partitions of this consumer."""

    adaptive: Adaptive | None = None
    """Lets the limit find itself within bounds, beginning with `concurrency`."""

    commit_interval: timedelta = timedelta(milliseconds=500)
    """Offsets are committed this often, and on revoke and on stop besides."""

    commit_after: int = 100
    """They are committed earlier when so many records were done since, 20 times as often at most.

    A crash repeats what was in flight and what was done since the last commit: about this many.
    """

    commit_timeout: timedelta = timedelta(seconds=5)
    """A commit that takes longer counts as rejected."""

    drain_budget: timedelta = timedelta(seconds=30)
    """On revoke and on stop, records in work may take this long; then they are cancelled.

    It must be well below the group's rebalance time-out, or the group goes on without us.
    """

    cancel_grace: timedelta = timedelta(seconds=5)
    """A handler that has not ended this long after its cancellation is stuck."""

    record_timeout: timedelta = timedelta(minutes=5)
    """A record may take this long with all its retries; waiting for the unavailable is free."""

    restore_timeout: timedelta = timedelta(minutes=2)
    """One attempt of a restore hook may take this long."""

    transient_attempts: int = 8
    """Attempts in all on `Transient`; a restore hook gets as many on any error."""

    bug_attempts: int = 3
    """Attempts in all on an exception that lanes does not know."""

    backoff_initial: timedelta = timedelta(milliseconds=500)
    """The first wait before a retry is drawn from zero to this; it doubles each time."""

    backoff_max: timedelta = timedelta(seconds=30)

    probe_initial: timedelta = timedelta(seconds=1)
    """The first wait before the unavailable is tried again is at most this; it doubles."""

    probe_max: timedelta = timedelta(seconds=15)

    outage_report_interval: timedelta = timedelta(seconds=30)
    """While something is unavailable, a partition says so at most this often."""

    dead_letter_timeout: timedelta = timedelta(seconds=30)
    """A dead letter that is not acknowledged in this time is published again."""

    dead_letters_in_a_row: int = 50
    """So many keys of a topic that fail in a row, without a success there, stop the consumer."""

    dead_letter_share: float = 0.5
    """So do as many keys that are more than this share of the keys of the last 1,000 records."""

    high_water: int = 1000
    """A partition with this many records waiting or in work is paused."""

    low_water: int = 200
    """A paused partition is resumed when no more than this many records wait."""

    max_waiting: int = 20_000
    """No more records wait, over all partitions; each is paused at its share of them."""

    metadata_limit: int = 4096
    """Characters of metadata that the broker keeps with an offset (`offset.metadata.max.bytes`).

    A partition whose metadata would take more than three quarters of it is paused. 0 keeps none:
    a restart then repeats all that was done beyond the first gap.
    """

    handle_tombstones: bool = False
    """Whether records without a value reach the handler; else they are skipped and counted."""

    def __post_init__(self) -> None:
        if not self.service:
            raise ValueError("service must be named")
        if not 0 <= self.low_water < self.high_water:
            raise ValueError("low_water must be at least 0 and below high_water")
        if min(self.transient_attempts, self.bug_attempts, self.dead_letters_in_a_row) < 1:
            raise ValueError("attempts and dead_letters_in_a_row must be at least 1")
        if min(self.concurrency, self.max_waiting, self.commit_after) < 1:
            raise ValueError("concurrency, max_waiting and commit_after must be at least 1")
        if not 0 < self.dead_letter_share <= 1:
            raise ValueError("dead_letter_share must be above 0 and at most 1")
        if self.commit_interval <= timedelta(0):
            raise ValueError("commit_interval must be positive")

    @property
    def handover(self) -> timedelta:
        """The longest that giving a partition back can take."""
        return self.drain_budget + self.cancel_grace + self.commit_timeout
