"""What is counted and logged of the dispatcher's lanes, and which share of the work it has."""

from collections.abc import Collection
from datetime import timedelta

import structlog

from recado.dispatcher.attending import Attention
from recado.dispatcher.handlers import LookAgain
from recado.dispatcher.throttling import Throttle
from recado.schemas.topics import ANSWERS
from recado.servicekit.consuming import AnyPartition, ConsumedRecord, LaneMetrics

log = structlog.stdlib.get_logger(__name__)


class DispatcherMetrics(LaneMetrics):
    """As of every consumer, but that looking for a result again is no retry: nothing failed."""

    def __init__(self, throttle: Throttle, attention: Attention) -> None:
        super().__init__()
        self._throttle = throttle
        self._attention = attention
        self._ours: set[int] = set()

    def assigned(self, partitions: Collection[AnyPartition]) -> None:
        """Sends at the rate that belongs to these."""
        super().assigned(partitions)
        self._ours |= {one.number for one in partitions if one.topic == ANSWERS.name}
        self._set_share()

    def revoked(
        self, partitions: Collection[AnyPartition], *, unfinished: int, took: timedelta
    ) -> None:
        """What belongs to them is another's now."""
        super().revoked(partitions, unfinished=unfinished, took=took)
        gone = {one.number for one in partitions if one.topic == ANSWERS.name}
        self._ours -= gone
        self._attention.revoked(gone)
        self._set_share()

    def _set_share(self) -> None:
        if self._ours:
            # Each has partitions one after the other (lanes assigns ranges).
            self._throttle.assigned(
                len(self._ours) / ANSWERS.partitions, before=min(self._ours) / ANSWERS.partitions
            )

    def retrying(
        self, record: ConsumedRecord, *, attempts: int, error: Exception, wait: timedelta
    ) -> None:
        """An attempt failed, or a result is not there yet; the latter is logged at DEBUG only."""
        if isinstance(error, LookAgain):
            log.debug("dispatcher.looks_again", error=str(error), wait=wait.total_seconds())
        else:
            super().retrying(record, attempts=attempts, error=error, wait=wait)
