"""The promises of lanes, each played on a world; one that is broken raises or times out."""

from . import failures, handover, order
from .ledger import Promise

PROMISES: tuple[Promise, ...] = (
    order.keys_are_in_order_and_side_by_side,
    order.a_slow_key_delays_no_other,
    order.no_more_of_a_topic_than_its_ceiling_are_worked_on,
    handover.after_a_crash_only_what_was_in_flight_is_repeated,
    handover.a_rebalance_repeats_nothing,
    handover.what_was_polled_before_a_revocation_is_not_handled_after_it,
    handover.a_rejected_commit_is_made_again,
    failures.a_record_is_done_only_when_its_dead_letter_is_acknowledged,
    failures.a_retry_keeps_its_place,
    failures.an_outage_costs_nothing,
    order.what_waits_is_bounded,
    handover.metadata_of_another_log_is_ignored,
    order.what_waits_for_a_key_comes_together,
    failures.an_outage_that_looks_like_bad_records_stops_the_consumer,
    handover.a_tombstone_is_passed_over,
    handover.nothing_is_handled_before_the_restore,
    failures.a_handler_that_ignores_its_cancellation_stops_the_consumer,
)
