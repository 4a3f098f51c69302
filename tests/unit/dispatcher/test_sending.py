"""What becomes of an answer when nothing, or something foreseen, goes wrong."""

from datetime import timedelta

import pytest

from recado.channels.contract import Part
from recado.channels.errors import Refused, RetryLater, SenderStopped
from recado.dispatcher import callback
from recado.dispatcher.ports import Name
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered
from recado.schemas.webhooks import PlatformError
from recado.servicekit.kafka import NotAcknowledged
from recado_lanes import Transient, Unavailable
from support.dispatching import (
    DEADLINE,
    NOW,
    TELEGRAM,
    WHATSAPP,
    World,
    answer,
    conversation_of,
    handoff_released,
    handoff_requested,
    message,
    operator_reply,
    outgoing,
    turns,
)

BROKEN = PlatformError(code=190, title="token")
LONG = "\n\n".join(letter * 3000 for letter in "abc")
"""Three parts on WhatsApp."""


def reasons(world: World) -> list[NotDeliveredReason]:
    return [event.reason for event in world.published if isinstance(event, AnswerNotDelivered)]


async def test_an_answer_is_sent_and_published_as_delivered() -> None:
    """The platform gets the text, its quote and callback data; the topic gets the platform's id."""
    world = World()
    event = answer(1)
    await world.take(event)
    assert world.platforms.arrived == ["respuesta a 1"]
    ((reply_to, _, data, quoted),) = world.platforms.asked
    assert reply_to == WHATSAPP
    assert quoted == "1"
    assert callback.read(data) == (event.id, 0, conversation_of(WHATSAPP))
    (delivered,) = world.published
    assert isinstance(delivered, AnswerDelivered)
    assert delivered.answer_id == event.id
    assert delivered.message_ids == event.message_ids
    assert delivered.platform_message_ids == ("wamid.1",)
    assert delivered.repeated_parts == 0


async def test_an_answer_that_comes_twice_is_sent_once_and_published_again() -> None:
    """The second delivery of the event sends nothing and emits the very same outcome."""
    world = World()
    await world.take(answer(1))
    world.restart()
    await world.take(answer(1), offset=7)
    assert len(world.platforms.asked) == 1
    first, second = world.published
    assert first == second


async def test_a_later_text_with_the_same_id_is_ignored() -> None:
    """What was fixed by the first claim is what is sent and kept, after a crash too."""
    world = World()
    world.platforms.results = [RetryLater("busy")]
    with pytest.raises(Transient):
        await world.take(answer(1, text="primera"))
    world.restart()
    await world.take(answer(1, text="segunda"), offset=5)
    assert world.platforms.arrived == ["primera"]
    assert (await world.row(Name.MESSAGES, answer(1).id))["text"] == "primera"
    (turn,) = turns(await world.conversation())
    assert turn["text"] == "primera"


async def test_the_parts_of_an_answer_are_sent_in_order_and_only_the_first_quotes() -> None:
    """A long answer arrives as several messages, one after the other."""
    world = World()
    await world.take(answer(1, text=LONG))
    assert [text[0] for text in world.platforms.arrived] == ["a", "b", "c"]
    assert [quoted for *_, quoted in world.platforms.asked] == ["1", None, None]


async def test_a_pause_in_the_middle_resumes_at_the_part_that_was_not_taken() -> None:
    """The parts before it are not sent again; the wait that the platform wants is passed on."""
    world = World()
    world.platforms.results = [None, RetryLater("busy", retry_after=timedelta(seconds=7))]
    with pytest.raises(Transient) as transient:
        await world.take(answer(1, text=LONG))
    assert transient.value.retry_after == timedelta(seconds=7)
    assert world.published == []
    world.restart()
    await world.take(answer(1, text=LONG))
    assert [text[0] for text in world.platforms.arrived] == ["a", "b", "c"]
    (delivered,) = world.published
    assert isinstance(delivered, AnswerDelivered)
    assert delivered.repeated_parts == 0


async def test_a_refusal_in_the_middle_ends_the_answer_there() -> None:
    """The parts after a refused one are not sent; the outcome says what arrived and why no more."""
    world = World()
    error = PlatformError(code=131047)
    world.platforms.results = [None, Refused(NotDeliveredReason.WINDOW_CLOSED, error)]
    await world.take(answer(1, text=LONG))
    assert len(world.platforms.asked) == 2
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert (outcome.reason, outcome.error, outcome.parts_sent) == (
        NotDeliveredReason.WINDOW_CLOSED,
        error,
        1,
    )


async def test_an_answer_past_its_deadline_is_not_sent() -> None:
    """Old work is not done by accident."""
    world = World()
    world.now = NOW + DEADLINE
    await world.take(answer(1))
    assert world.platforms.asked == []
    assert reasons(world) == [NotDeliveredReason.EXPIRED]


async def test_an_answer_expires_while_the_platform_keeps_it_waiting() -> None:
    """Retries end by the deadline, and say how much arrived."""
    world = World()
    world.platforms.results = [None, RetryLater("busy")]
    with pytest.raises(Transient):
        await world.take(answer(1, text=LONG))
    world.now = NOW + DEADLINE
    await world.take(answer(1, text=LONG))
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert (outcome.reason, outcome.parts_sent) == (NotDeliveredReason.EXPIRED, 1)


async def test_an_expired_answer_is_sent_when_it_is_driven_again_with_more_time() -> None:
    """The same answer with a later deadline is tried again; with the old one it is not."""
    world = World()
    world.now = NOW + DEADLINE
    await world.take(answer(1), answer(1))
    assert reasons(world) == [NotDeliveredReason.EXPIRED] * 2
    await world.take(answer(1, deadline=NOW + 2 * DEADLINE))
    assert world.platforms.arrived == ["respuesta a 1"]
    assert isinstance(world.published[-1], AnswerDelivered)
    assert (await world.row(Name.MESSAGES, answer(1).id))["outcome"] == "delivered"


async def test_a_refused_part_is_sent_when_its_answer_is_driven_again() -> None:
    """What was sent stays sent; what was refused gets another try."""
    world = World()
    refusal = Refused(NotDeliveredReason.REFUSED, PlatformError(code=131026))
    world.platforms.results = [None, refusal]
    await world.take(answer(1, text=LONG))
    await world.take(answer(1, text=LONG, deadline=NOW + 2 * DEADLINE))
    assert [text[0] for text in world.platforms.arrived] == ["a", "b", "c"]


async def test_in_a_handed_off_conversation_the_assistant_is_silent_and_the_person_is_not() -> None:
    """The dispatcher is the last gate: bots' answers stop, an operator's goes out."""
    world = World()
    await world.take(handoff_requested(), answer(1), operator_reply())
    assert world.platforms.arrived == ["Te escribe Marta."]
    assert reasons(world) == [NotDeliveredReason.HANDOFF]
    await world.take(handoff_released(), answer(2), offset=3)
    assert world.platforms.arrived == ["Te escribe Marta.", "respuesta a 2"]


async def test_an_answer_held_back_by_a_handoff_stays_so_when_its_event_comes_again() -> None:
    """A redelivery after the release does not bring the old answer out."""
    world = World()
    await world.take(handoff_requested(), answer(1), handoff_released())
    world.restart()
    await world.take(answer(1), offset=1)
    assert world.platforms.asked == []
    assert reasons(world) == [NotDeliveredReason.HANDOFF] * 2


async def test_an_answer_whose_messages_are_all_answered_is_dropped() -> None:
    """Two answers cover the same messages: the customer sees the first."""
    world = World()
    await world.take(answer(1, 2), answer(1), answer(2))
    assert world.platforms.arrived == ["respuesta a 2"]
    assert reasons(world) == [NotDeliveredReason.SUPERSEDED] * 2


async def test_an_answer_that_crashed_before_its_first_part_is_not_superseded_by_itself() -> None:
    """Its own marks on the messages do not count as another answer's."""
    world = World()
    world.platforms.results = [SenderStopped("wa", BROKEN)]
    with pytest.raises(Unavailable):
        await world.take(message(1), answer(1))
    world.restart()
    await world.take(answer(1), offset=1)
    assert world.platforms.arrived == ["respuesta a 1"]


async def test_a_partial_overlap_is_sent() -> None:
    """One message of two was answered: the other still needs its answer."""
    world = World()
    await world.take(answer(1), answer(1, 2))
    assert world.platforms.arrived == ["respuesta a 1", "respuesta a 2"]


async def test_an_answer_of_which_nothing_was_sent_does_not_stand_in_anothers_way() -> None:
    """A refused answer gives its messages back."""
    world = World()
    world.platforms.results = [Refused(NotDeliveredReason.REFUSED, PlatformError(code=1))]
    await world.take(answer(1, 2), answer(1))
    assert world.platforms.arrived == ["respuesta a 1"]
    assert reasons(world) == [NotDeliveredReason.REFUSED]


async def test_an_unknown_integration_ends_the_answer() -> None:
    """An integration that is not configured, or disabled, is a reason and not an endless wait."""
    world = World()
    world.platforms.known = False
    await world.take(answer(1))
    assert reasons(world) == [NotDeliveredReason.UNKNOWN_INTEGRATION]


async def test_an_integration_that_goes_between_two_parts_ends_the_answer_there() -> None:
    """What went out is told; of the rest the reason is that of an unknown integration."""
    world = World()

    async def goes() -> None:
        world.platforms.known = False

    world.platforms.before_answering = goes
    with pytest.raises(Transient):
        await world.take(answer(1, text=LONG))
    await world.take(answer(1, text=LONG))
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert outcome.reason is NotDeliveredReason.UNKNOWN_INTEGRATION
    assert outcome.parts_sent == len(world.platforms.asked) == 1


async def test_a_stopped_integration_makes_its_answers_wait_until_the_deadline() -> None:
    """A broken token costs no attempt and loses nothing; at the deadline the answer expires."""
    world = World()
    world.platforms.results = [SenderStopped("tg", BROKEN), SenderStopped("tg", BROKEN)]
    for _ in range(2):
        with pytest.raises(Unavailable):
            await world.take(answer(1, reply_to=TELEGRAM))
    world.now = NOW + DEADLINE
    await world.take(answer(1, reply_to=TELEGRAM))
    assert reasons(world) == [NotDeliveredReason.EXPIRED]


async def test_a_blocked_customer_is_marked_until_they_write_again() -> None:
    """The conversation says that the customer blocked us; their next message takes it back."""
    world = World()
    world.platforms.results = [Refused(NotDeliveredReason.BLOCKED, PlatformError(code=403))]
    await world.take(message(1), answer(1))
    assert (await world.conversation())["blocked_at"] == NOW
    await world.take(message(2, occurred_at=NOW + timedelta(seconds=1)), offset=2)
    assert (await world.conversation())["blocked_at"] is None
    await world.take(answer(1), offset=1)
    assert (await world.conversation())["blocked_at"] is None


async def test_an_outcome_that_kafka_did_not_take_is_published_again_and_nothing_sent() -> None:
    """The answer's event is not done before its outcome is acknowledged."""
    world = World()
    world.publish_fails = [NotAcknowledged(["recado.deliveries"], "away")]
    with pytest.raises(Unavailable):
        await world.take(answer(1))
    world.restart()
    await world.take(answer(1))
    assert len(world.platforms.asked) == 1
    assert [type(event) for event in world.published] == [AnswerDelivered]


async def test_a_refused_answer_does_not_take_away_the_marks_of_the_one_that_was_sent() -> None:
    """After a refused overlap, a third answer to an answered message is still superseded."""
    world = World()
    await world.take(answer(1))
    world.platforms.results = [Refused(NotDeliveredReason.REFUSED, PlatformError(code=1))]
    await world.take(answer(1, 2))
    row = await world.row(Name.MESSAGES, message(1).id)
    assert row["answered_by"] == str(answer(1).id)


async def test_an_answer_that_was_begun_is_finished_though_a_person_took_over() -> None:
    """A customer does not keep half of an answer."""
    world = World()
    world.platforms.results = [None, RetryLater("busy")]
    with pytest.raises(Transient):
        await world.take(answer(1, text=LONG))
    await world.take(handoff_requested(), offset=1)
    await world.take(answer(1, text=LONG))
    assert [text[0] for text in world.platforms.arrived] == ["a", "b", "c"]


async def test_the_row_holds_the_text_that_the_ledger_fixed() -> None:
    """A crash between ledger and row, then another text: what is sent is what is kept."""
    world = World()
    await world.ledger.open(outgoing(answer(1, text="primera")), (Part(text="primera"),))
    await world.take(answer(1, text="segunda"))
    assert world.platforms.arrived == ["primera"]
    assert (await world.row(Name.MESSAGES, answer(1).id))["text"] == "primera"


async def test_an_older_message_that_comes_again_does_not_unblock() -> None:
    """Only what was written after the block shows that it is over."""
    world = World()
    world.platforms.results = [Refused(NotDeliveredReason.BLOCKED, PlatformError(code=403))]
    await world.take(message(1), answer(1), message(1))
    assert (await world.conversation())["blocked_at"] == NOW


async def test_a_pause_beyond_the_deadline_is_cut_at_the_deadline() -> None:
    """The answer ends by its deadline, whatever the platform asks for."""
    world = World()
    world.platforms.results = [RetryLater("busy", retry_after=timedelta(days=1))]
    with pytest.raises(Transient) as transient:
        await world.take(answer(1))
    assert transient.value.retry_after == DEADLINE


async def test_an_answer_that_only_waited_is_held_back_by_a_handoff() -> None:
    """Nothing of it was sent, so the assistant does not talk over the person."""
    world = World()
    world.platforms.results = [RetryLater("busy")]
    with pytest.raises(Transient):
        await world.take(answer(1))
    await world.take(handoff_requested(), offset=1)
    await world.take(answer(1))
    assert world.platforms.arrived == []
    assert reasons(world) == [NotDeliveredReason.HANDOFF]
