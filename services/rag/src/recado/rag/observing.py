"""The lanes' metrics; and what is known of a partition goes with it."""

from collections.abc import Collection
from datetime import timedelta

from recado.rag.coverage import Coverage
from recado.servicekit.consuming import AnyPartition, LaneMetrics


class CoverageMetrics(LaneMetrics):
    """An observer of rag's lanes."""

    def __init__(self, coverage: Coverage) -> None:
        super().__init__()
        self._coverage = coverage

    def revoked(
        self, partitions: Collection[AnyPartition], *, unfinished: int, took: timedelta
    ) -> None:
        """Partitions went: another process answers there from now on."""
        self._coverage.drop([one.number for one in partitions])
        super().revoked(partitions, unfinished=unfinished, took=took)
