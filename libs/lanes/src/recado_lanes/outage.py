"""Something that is down: how long it lasts, how often it was probed, and when that is told.

There is one for everything, one for each lane that waits alone, and one for each partition whose
restore hook waits.
"""

import asyncio
from datetime import timedelta

from recado_lanes.options import LaneOptions
from recado_lanes.ports import Observer
from recado_lanes.record import Record
from recado_lanes.retry import Backoff


class Outage:
    """Counts probes, and tells the observer at the start, now and then, and at the end."""

    def __init__(
        self, options: LaneOptions, backoff: Backoff, observer: Observer, *, alone: bool = False
    ) -> None:
        self._interval = options.outage_report_interval.total_seconds()
        self._backoff = backoff
        self._observer = observer
        self._alone = alone
        self._probes = 0
        self._began = 0.0
        self._told = 0.0
        self._record: Record | None = None

    @property
    def lasts(self) -> bool:
        """Whether it is down."""
        return self._probes > 0

    def failed(self, record: Record, error: Exception) -> timedelta:
        """It is down; how long to wait before it is probed again."""
        now = asyncio.get_running_loop().time()
        if not self._probes:
            self._began = now
            self._record = record
        if not self._probes or now - self._told >= self._interval:
            self._told = now
            lasts = timedelta(seconds=now - self._began)
            self._observer.unavailable(
                self._record or record, error=error, lasts=lasts, alone=self._alone
            )
        self._probes += 1
        return self._backoff.before_probe(self._probes)

    def over(self) -> None:
        """It answered again, or nothing needs it any more."""
        if self._probes and self._record is not None:
            now = asyncio.get_running_loop().time()
            lasted = timedelta(seconds=now - self._began)
            self._observer.available(self._record, lasted=lasted, alone=self._alone)
        self._probes = 0
        self._record = None
