"""Which answers count as not delivered, and which of them are driven again."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from recado.cli.undelivered import Undelivered, note, to_drive_again, with_deadline
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerGenerated, AnswerNotDelivered, Event
from support.examples import (
    ANSWER_DELIVERED,
    ANSWER_GENERATED,
    ANSWER_NOT_DELIVERED,
    MESSAGE_RECEIVED,
    NOW,
)


def ended(number: int, reason: NotDeliveredReason) -> AnswerNotDelivered:
    return ANSWER_NOT_DELIVERED.model_copy(
        update={"answer_id": UUID(int=number), "reason": reason, "error": None}
    )


def outstanding(told: Iterable[Event | None]) -> dict[UUID, AnswerNotDelivered]:
    last: dict[UUID, AnswerNotDelivered] = {}
    for event in told:
        note(last, event)
    return last


def test_the_last_outcome_of_an_answer_counts() -> None:
    """One that was driven again and delivered is none; one that failed again is the last."""
    delivered = ANSWER_DELIVERED.model_copy(update={"answer_id": UUID(int=1)})
    expired, refused = NotDeliveredReason.EXPIRED, NotDeliveredReason.REFUSED
    told = [ended(1, expired), ended(2, expired), MESSAGE_RECEIVED, None, delivered]
    assert outstanding(told) == {UUID(int=2): ended(2, expired)}
    assert list(outstanding([*told, ended(3, expired), ended(2, refused)])) == [
        UUID(int=3),
        UUID(int=2),
    ]


def test_what_ended_as_it_should_is_driven_again_only_where_its_reason_is_named() -> None:
    found = [
        Undelivered(ended(number, reason), ANSWER_GENERATED)
        for number, reason in enumerate(NotDeliveredReason)
    ]
    reasons = {one.outcome.reason for one in found if to_drive_again([one], ())}
    assert reasons == {
        NotDeliveredReason.EXPIRED,
        NotDeliveredReason.REFUSED,
        NotDeliveredReason.BLOCKED,
        NotDeliveredReason.WINDOW_CLOSED,
        NotDeliveredReason.UNKNOWN_INTEGRATION,
    }
    assert all(to_drive_again([one], {one.outcome.reason}) for one in found)
    gone = Undelivered(ended(1, NotDeliveredReason.EXPIRED), None)
    assert to_drive_again([gone], ()) == []


def test_it_is_the_same_answer_with_more_time() -> None:
    (again,) = with_deadline([ANSWER_GENERATED], NOW + timedelta(days=1))
    assert isinstance(again, AnswerGenerated)
    assert again == ANSWER_GENERATED.model_copy(update={"deadline": NOW + timedelta(days=1)})
