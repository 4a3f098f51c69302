"""How many answers may be under way, so that reports of what arrived find room beside them."""

from datetime import UTC, datetime

from recado.dispatcher.app import ANSWER_LANES, answer_lane
from recado.dispatcher.settings import DispatcherSettings
from recado.schemas.topics import CONVERSATION_PARTITIONS
from recado_lanes import Record


def answer(key: bytes | None) -> Record:
    return Record("recado.answers", 0, 0, key, b"{}", (), datetime.now(UTC))


def test_a_conversation_has_one_lane_and_all_of_them_are_used() -> None:
    lanes = {key: answer_lane(answer(f"telegram:bot:{key}".encode())) for key in range(200)}
    again = {key: answer_lane(answer(f"telegram:bot:{key}".encode())) for key in range(200)}
    assert lanes == again
    assert set(lanes.values()) == set(range(ANSWER_LANES))
    assert answer_lane(answer(None)) is None


def test_answers_leave_slots_for_what_came_of_them() -> None:
    """Though every send hangs, a quarter of the slots is free for statuses and messages."""
    least = DispatcherSettings.model_fields["concurrency"].metadata
    assert any(getattr(one, "ge", None) == 64 for one in least)
    assert CONVERSATION_PARTITIONS * ANSWER_LANES <= 64 * 3 / 4
