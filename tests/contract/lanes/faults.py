"""Faults put into the engine on purpose, each with the promise that it breaks.

Several are bugs that other libraries have had. A contract that any of them passes would be worth
little: `test_faults` plays each promise with its fault.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from recado_lanes import Committed, Partition, Record, Unavailable
from recado_lanes.batch import Batch
from recado_lanes.handling import Handling, Judgement, Verdict
from recado_lanes.handover import HandOver
from recado_lanes.intake import Intake
from recado_lanes.kafka import AiokafkaConsumerPort
from recado_lanes.keylane import KeyLane
from recado_lanes.metadata import Completed
from recado_lanes.offsets import Commit, OffsetTracker
from recado_lanes.partition import PartitionLanes
from recado_lanes.slots import Slots
from recado_lanes.startable import Startable
from recado_lanes.testing import FakeConsumer

from . import failures, handover, order
from .ledger import Promise

Put = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and what should notice it."""

    put: Put
    breaks: Promise
    hangs: bool = False
    """Whether the promise waits in vain; else one of its assertions fails, however long it waits.

    What is known to hang is played with little patience. The others are not: a promise that takes
    longer than that would pass for broken without any fault.
    """


def commits_past_the_first_gap(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OffsetTracker, "first_gap", property(lambda self: self.expected))


def metadata_claims_what_is_in_flight(patch: pytest.MonkeyPatch) -> None:
    def all_done(self: OffsetTracker) -> Completed | None:
        (base, written), *_ = self._open.items()
        run = (base + 1, self.expected)
        return Completed(base, int(written.timestamp() * 1000), (run,) if run[0] < run[1] else ())

    patch.setattr(OffsetTracker, "completed", all_done)


def metadata_is_not_read(patch: pytest.MonkeyPatch) -> None:
    async def nothing(
        self: object, partitions: Collection[Partition]
    ) -> Mapping[Partition, Committed]:
        return {}

    patch.setattr(FakeConsumer, "committed", nothing)
    patch.setattr(AiokafkaConsumerPort, "committed", nothing)


def metadata_of_any_log_is_believed(patch: pytest.MonkeyPatch) -> None:
    def believe(self: OffsetTracker, completed: Completed) -> bool:
        self._before.extend(completed.runs)
        return True

    patch.setattr(OffsetTracker, "resume", believe)


def two_records_of_a_key_at_once(patch: pytest.MonkeyPatch) -> None:
    original = PartitionLanes.__init__

    def by_offset(self: PartitionLanes, *args: object, **options: object) -> None:
        original(self, *args, **options | {"key_of": lambda record: record.offset})  # type: ignore[arg-type]  # passed on

    patch.setattr(PartitionLanes, "__init__", by_offset)


def a_partition_is_worked_on_serially(patch: pytest.MonkeyPatch) -> None:
    original = PartitionLanes.__init__

    def one_key(self: PartitionLanes, *args: object, **options: object) -> None:
        original(self, *args, **options | {"key_of": lambda record: None})  # type: ignore[arg-type]  # passed on

    patch.setattr(PartitionLanes, "__init__", one_key)


def a_ceiling_is_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Startable, "took", lambda self, lane: None)
    patch.setattr(Startable, "left", lambda self, lane: None)


def what_stood_aside_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Startable, "_make_up", lambda self, ceiling: None)


def a_rejected_commit_is_recorded_as_done(patch: pytest.MonkeyPatch) -> None:
    original = OffsetTracker.to_commit

    def at_once(self: OffsetTracker, *, limit: int = 4096) -> Commit | None:
        commit = original(self, limit=limit)
        if commit is not None:
            self.committed(commit)
        return commit

    patch.setattr(OffsetTracker, "to_commit", at_once)


def a_revocation_does_not_wait_for_work(patch: pytest.MonkeyPatch) -> None:
    async def at_once(
        self: HandOver, leaving: Collection[PartitionLanes], budget: timedelta
    ) -> None:
        self._slots.close(leaving)
        await asyncio.sleep(0)

    patch.setattr(HandOver, "_drain", at_once)


def a_revocation_fences_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(HandOver, "fence", lambda self, partitions: None)


def dead_letters_are_not_waited_for(patch: pytest.MonkeyPatch) -> None:
    def give_up(self: Handling, lane: KeyLane, error: Exception) -> Judgement:
        return Judgement(Verdict.DONE)

    patch.setattr(Handling, "_give_up", give_up)


def a_retry_goes_behind_the_others(patch: pytest.MonkeyPatch) -> None:
    original = Slots._wait

    def behind(self: Slots, lane: KeyLane, wait: timedelta) -> None:
        lane.waiting.extend(lane.work)
        lane.work = ()
        original(self, lane, wait)

    patch.setattr(Slots, "_wait", behind)


def a_wait_for_a_retry_holds_its_slot(patch: pytest.MonkeyPatch) -> None:
    original = Slots._wait

    def holding(self: Slots, lane: KeyLane, wait: timedelta) -> None:
        self._working.add(lane)
        original(self, lane, wait + timedelta(hours=1))

    patch.setattr(Slots, "_wait", holding)


def an_outage_spends_attempts(patch: pytest.MonkeyPatch) -> None:
    original = Handling._failed

    def spend(self: Handling, lane: KeyLane, error: BaseException, now: float) -> Judgement:
        return original(self, lane, KeyError() if isinstance(error, Unavailable) else error, now)

    patch.setattr(Handling, "_failed", spend)


def intake_is_never_paused(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Intake, "check", lambda self, lanes: None)


def a_batch_does_not_end_before_a_command(patch: pytest.MonkeyPatch) -> None:
    original = Batch.__init__

    def never(self: Batch, *args: object, **options: object) -> None:
        original(self, *args, **options | {"alone": lambda record: False})  # type: ignore[arg-type]  # passed on

    patch.setattr(Batch, "__init__", never)


def dead_letters_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    class Blind:
        def failed(self, record: object, error: object) -> None:
            pass

    patch.setattr(Handling, "_guard", lambda self, record: Blind())


def tombstones_are_records_like_others(patch: pytest.MonkeyPatch) -> None:
    original = PartitionLanes._distribute

    def distribute(self: PartitionLanes, record: Record) -> None:
        self._tombstones = True
        original(self, record)

    patch.setattr(PartitionLanes, "_distribute", distribute)


def nothing_waits_for_the_restore(patch: pytest.MonkeyPatch) -> None:
    running: list[asyncio.Future[None]] = []

    async def at_once(self: PartitionLanes, record: Record) -> bool:
        assert self._restore is not None
        running.append(asyncio.ensure_future(self._restore(record)))
        return True

    patch.setattr(PartitionLanes, "_restored", at_once)


def nobody_watches_the_time(patch: pytest.MonkeyPatch) -> None:
    async def asleep(self: Slots) -> None:
        await asyncio.Event().wait()

    patch.setattr(Slots, "watch", asleep)


FAULTS: Sequence[Fault] = (
    Fault(
        commits_past_the_first_gap,
        handover.after_a_crash_only_what_was_in_flight_is_repeated,
        hangs=True,
    ),
    Fault(
        metadata_claims_what_is_in_flight,
        handover.after_a_crash_only_what_was_in_flight_is_repeated,
        hangs=True,
    ),
    Fault(metadata_is_not_read, handover.after_a_crash_only_what_was_in_flight_is_repeated),
    Fault(metadata_of_any_log_is_believed, handover.metadata_of_another_log_is_ignored, hangs=True),
    Fault(two_records_of_a_key_at_once, order.keys_are_in_order_and_side_by_side),
    Fault(a_partition_is_worked_on_serially, order.a_slow_key_delays_no_other, hangs=True),
    Fault(a_ceiling_is_ignored, order.no_more_of_a_topic_than_its_ceiling_are_worked_on),
    Fault(
        what_stood_aside_is_forgotten,
        order.no_more_of_a_topic_than_its_ceiling_are_worked_on,
        hangs=True,
    ),
    Fault(
        a_rejected_commit_is_recorded_as_done, handover.a_rejected_commit_is_made_again, hangs=True
    ),
    Fault(a_revocation_does_not_wait_for_work, handover.a_rebalance_repeats_nothing),
    Fault(
        a_revocation_fences_nothing,
        handover.what_was_polled_before_a_revocation_is_not_handled_after_it,
    ),
    Fault(
        dead_letters_are_not_waited_for,
        failures.a_record_is_done_only_when_its_dead_letter_is_acknowledged,
        hangs=True,
    ),
    Fault(a_retry_goes_behind_the_others, failures.a_retry_keeps_its_place),
    Fault(a_wait_for_a_retry_holds_its_slot, failures.a_retry_keeps_its_place, hangs=True),
    Fault(an_outage_spends_attempts, failures.an_outage_costs_nothing, hangs=True),
    Fault(intake_is_never_paused, order.what_waits_is_bounded, hangs=True),
    Fault(a_batch_does_not_end_before_a_command, order.what_waits_for_a_key_comes_together),
    Fault(
        dead_letters_are_not_counted,
        failures.an_outage_that_looks_like_bad_records_stops_the_consumer,
        hangs=True,
    ),
    Fault(tombstones_are_records_like_others, handover.a_tombstone_is_passed_over),
    Fault(
        nothing_waits_for_the_restore, handover.nothing_is_handled_before_the_restore, hangs=True
    ),
    Fault(
        nobody_watches_the_time,
        failures.a_handler_that_ignores_its_cancellation_stops_the_consumer,
        hangs=True,
    ),
)
