"""What an observer of the lanes says in metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest
from prometheus_client import REGISTRY

from recado.servicekit.consuming import AnyPartition, LaneMetrics
from recado_lanes import Partition, Record

NO_TIME = timedelta(0)


def record(partition: int, offset: int = 0) -> Record:
    return Record("recado.answers", partition, offset, b"k", b"v", (), datetime.now(UTC))


def paused(reason: str) -> float | None:
    return REGISTRY.get_sample_value("recado_intake_paused", {"reason": reason})


def test_intake_is_paused_until_the_last_partition_goes_on() -> None:
    """One partition whose dependency answers again says nothing about another's."""
    lanes = LaneMetrics()
    for partition in (1, 2):
        lanes.unavailable(record(partition), error=OSError(), lasts=NO_TIME, alone=False)
    lanes.available(record(1), lasted=NO_TIME, alone=False)
    assert paused("unavailable") == 1
    lanes.available(record(2), lasted=NO_TIME, alone=False)
    assert paused("unavailable") == 0


def test_a_conversation_that_waits_alone_pauses_nothing() -> None:
    """The others go on; and when it goes on, too, that ends no outage of everything."""
    lanes = LaneMetrics()
    lanes.unavailable(record(1, 4), error=OSError(), lasts=NO_TIME, alone=True)
    assert paused("unavailable") != 1
    lanes.unavailable(record(1, 4), error=OSError(), lasts=NO_TIME, alone=False)
    lanes.available(record(1, 4), lasted=NO_TIME, alone=True)
    assert paused("unavailable") == 1
    lanes.available(record(1, 4), lasted=NO_TIME, alone=False)
    assert paused("unavailable") == 0


def test_of_two_outages_of_a_partition_both_must_end() -> None:
    """That of its restore, say, and that of everything: the first to end is not the other."""
    lanes = LaneMetrics()
    for offset in (4, 7):
        lanes.unavailable(record(1, offset), error=OSError(), lasts=NO_TIME, alone=False)
    lanes.available(record(1, 7), lasted=NO_TIME, alone=False)
    assert paused("unavailable") == 1
    lanes.available(record(1, 4), lasted=NO_TIME, alone=False)
    assert paused("unavailable") == 0


@pytest.mark.parametrize("reason", ["unavailable", "backlog"])
def test_a_partition_that_is_given_up_is_not_paused_any_more(reason: str) -> None:
    """Whoever has it now says what becomes of it."""
    lanes = LaneMetrics()
    if reason == "backlog":
        lanes.paused(Partition("recado.answers", 3), waiting=1000)
    else:
        lanes.unavailable(record(3), error=OSError(), lasts=NO_TIME, alone=False)
    assert paused(reason) == 1
    lanes.revoked([Partition("recado.answers", 3)], unfinished=1, took=NO_TIME)
    assert paused(reason) == 0


@dataclass(frozen=True)
class Told:
    """Progress of lanes that have no partition any more."""

    unavailable: bool
    in_flight = 0
    limit = 8
    alone = 0
    partitions: Mapping[AnyPartition, NoReturn] = field(default_factory=dict)


def test_an_outage_of_everything_outlasts_the_partition_that_met_it_first() -> None:
    """Else a rebalance would start the alert's time anew."""
    lanes = LaneMetrics()
    lanes.unavailable(record(3), error=OSError(), lasts=NO_TIME, alone=False)
    lanes.progress(Told(unavailable=True))
    lanes.revoked([Partition("recado.answers", 3)], unfinished=1, took=NO_TIME)
    assert paused("unavailable") == 1
    lanes.progress(Told(unavailable=False))
    assert paused("unavailable") == 0


class FakeTurning:
    """A poll loop that a test halts."""

    still = NO_TIME
    last: datetime | None = None


class FakeLanes:
    """Lanes of which only the poll loop is asked."""

    topics: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.turning = FakeTurning()

    def backlog(self, topic: str) -> list[int]:
        raise AssertionError(topic)


def test_a_poll_loop_that_stands_still_for_longer_than_the_limit_is_stuck() -> None:
    """Before there are lanes, and up to the limit, nothing is."""
    observer, lanes, limit = LaneMetrics(), FakeLanes(), timedelta(minutes=1)
    assert observer.stuck(limit) is None
    observer.watch(lanes)
    lanes.turning.still = limit
    assert observer.stuck(limit) is None
    lanes.turning.still = timedelta(seconds=75)
    assert observer.stuck(limit) == "no poll for 75 s"


def test_the_last_poll_is_the_start_until_there_was_one() -> None:
    """So its age never looks like decades."""
    before = datetime.now(UTC).timestamp()
    observer, lanes = LaneMetrics(), FakeLanes()
    observer.watch(lanes)
    name = "recado_last_poll_timestamp_seconds"
    assert (REGISTRY.get_sample_value(name) or 0) >= before
    lanes.turning.last = datetime(2026, 1, 2, tzinfo=UTC)
    assert REGISTRY.get_sample_value(name) == lanes.turning.last.timestamp()
