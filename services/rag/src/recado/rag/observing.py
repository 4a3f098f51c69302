"""rag's observers: the lanes' metrics, with what is known of a partition; the embedder's."""

from collections.abc import Collection
from datetime import timedelta

from recado.rag.coverage import Coverage
from recado.servicekit import metrics
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


def count_embedding_request(outcome: str) -> None:
    """For an embedder that asks an API."""
    metrics.EMBEDDING_REQUESTS.labels(outcome).inc()


def count_cache_lookup(lookup: str) -> None:
    """For the cache of query vectors."""
    metrics.QUERY_CACHE.labels(lookup).inc()
