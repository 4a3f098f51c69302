"""What is counted and logged of the dispatcher's lanes."""

from datetime import timedelta

import structlog

from recado.dispatcher.handlers import LookAgain
from recado.servicekit.consuming import ConsumedRecord, LaneMetrics

log = structlog.stdlib.get_logger(__name__)


class DispatcherMetrics(LaneMetrics):
    """As of every consumer, but that looking for a result again is no retry: nothing failed."""

    def retrying(
        self, record: ConsumedRecord, *, attempts: int, error: Exception, wait: timedelta
    ) -> None:
        """An attempt failed, or a result is not there yet; the latter is logged at DEBUG only."""
        if isinstance(error, LookAgain):
            log.debug("dispatcher.looks_again", error=str(error), wait=wait.total_seconds())
        else:
            super().retrying(record, attempts=attempts, error=error, wait=wait)
