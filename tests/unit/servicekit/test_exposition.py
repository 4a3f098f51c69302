"""Each service exposes what it can produce, from the start, and nothing else."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from recado.rag.errors import ModelError
from recado.schemas import topics
from recado.schemas.events import AnswerGenerated, MessageReceived
from recado.servicekit import metrics
from recado.servicekit.consuming import AnyPartition, LaneMetrics
from recado.servicekit.exposition import GENERATION_OUTCOMES, OWN, exposition
from recado_lanes import Partition
from recado_lanes.turning import Turning


def names(registry: CollectorRegistry) -> set[str]:
    """The families of ours that it exposes."""
    found = {family.name for family in registry.collect()}
    return {name for name in found if name.startswith("recado_")}


def test_every_metric_of_the_list_is_in_one_group() -> None:
    """One that is in none would be exposed by nobody."""
    declared = [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]
    grouped = Tally(id(one) for families in metrics.GROUPS.values() for one in families)
    assert grouped == {id(one): 1 for one in declared}


def test_a_service_exposes_its_own_families_and_no_other_service_does() -> None:
    exposed = {
        "ingress": names(exposition("ingress", publishes=(MessageReceived,))),
        "rag": names(exposition("rag", reads=(topics.MESSAGES,), publishes=(AnswerGenerated,))),
        "dispatcher": names(exposition("dispatcher", reads=(topics.ANSWERS,))),
        "indexer": names(exposition("indexer", reads=(topics.DOCUMENTS,))),
    }
    for service, families in OWN.items():
        for family in families:
            (described,) = family.describe()
            having = {one for one, has in exposed.items() if described.name in has}
            assert service in having
            assert having == {one for one in OWN if family in OWN[one]}
    assert "recado_events_published" not in exposed["indexer"]
    assert "recado_time_lag_seconds" not in exposed["ingress"]
    assert all("recado_build_info" in has for has in exposed.values())


def test_what_never_happened_reads_nought() -> None:
    """A dashboard would show "no data" for it, and a rate would not see its first time."""
    for family in (metrics.PUBLISH_FAILURES, metrics.RECORDS_HANDLED, metrics.GENERATION_SECONDS):
        family.clear()  # other tests of this process made it happen
    registry = exposition("rag", reads=(topics.MESSAGES,), publishes=(AnswerGenerated,))
    for name, labels in (
        ("recado_publish_failures_total", {"topic": "recado.answers"}),
        (
            "recado_records_handled_total",
            {"topic": "recado.messages", "outcome": "skipped_tombstone"},
        ),
        ("recado_generation_seconds_count", {"outcome": "ModelMisconfigured"}),
    ):
        assert registry.get_sample_value(name, labels) == 0, name


def test_the_models_errors_are_those_that_rag_knows() -> None:
    """An error added there gets its series here."""
    assert set(GENERATION_OUTCOMES) == {
        "ok",
        *(error.__name__ for error in ModelError.__subclasses__()),
    }


def test_no_time_of_birth_is_exposed_for_each_series() -> None:
    registry = exposition("ingress", publishes=(MessageReceived,))
    series = [sample.name for family in registry.collect() for sample in family.samples]
    assert [name for name in series if name.endswith("_created")] == []


def test_an_unknown_service_is_refused() -> None:
    with pytest.raises(KeyError):
        exposition("ingres")


class FakeLanes:
    """Lanes with a backlog that a test sets."""

    topics = ("recado.statuses",)

    def __init__(self) -> None:
        self.records: Sequence[int] = ()
        self.turning = Turning()

    def backlog(self, topic: str) -> Sequence[int]:
        assert topic in self.topics
        return self.records


def test_what_waits_is_asked_at_the_scrape() -> None:
    """Three partitions: one idle, one with a record, one with three."""
    registry = exposition("dispatcher", reads=(topics.STATUSES,))
    lanes = FakeLanes()
    LaneMetrics().watch(lanes)
    labels = {"topic": "recado.statuses"}
    assert registry.get_sample_value("recado_waiting_records", labels) == 0
    lanes.records = (0, 1, 3)
    assert registry.get_sample_value("recado_waiting_records", labels) == 4
    assert registry.get_sample_value("recado_assigned_partitions", labels) == 3


@dataclass(frozen=True)
class OfPartition:
    span: int
    oldest: timedelta | None


@dataclass(frozen=True)
class Told:
    in_flight: int
    limit: int
    unavailable: bool
    alone: int
    partitions: Mapping[AnyPartition, OfPartition]


def test_how_far_the_lanes_are_is_summed_by_topic_and_its_oldest_shown() -> None:
    registry = exposition("dispatcher", reads=(topics.STATUSES,))
    metrics_of_lanes = LaneMetrics()
    metrics_of_lanes.watch(FakeLanes())
    three = [Partition("recado.statuses", number) for number in range(3)]
    metrics_of_lanes.progress(
        Told(
            7,
            32,
            False,
            3,
            {
                three[0]: OfPartition(0, None),
                three[1]: OfPartition(5, timedelta(seconds=2)),
                three[2]: OfPartition(40, timedelta(seconds=9)),
            },
        )
    )
    labels = {"topic": "recado.statuses"}
    assert registry.get_sample_value("recado_in_flight_keys") == 7
    assert registry.get_sample_value("recado_concurrency_limit_keys") == 32
    assert registry.get_sample_value("recado_waiting_alone_keys") == 3
    assert registry.get_sample_value("recado_uncommitted_records", labels) == 45
    assert registry.get_sample_value("recado_oldest_uncommitted_seconds", labels) == 9
