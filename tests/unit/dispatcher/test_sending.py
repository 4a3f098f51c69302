"""What becomes of an answer when nothing, or something foreseen, goes wrong."""

from datetime import timedelta

import pytest

from recado.channels.contract import Part
from recado.channels.errors import Refused, RetryLater
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
    WHATSAPP,
    World,
    answer,
    conversation_of,
    message,
    outgoing,
    turns,
)

from .outcomes import LONG, reasons


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


async def test_a_refused_part_is_sent_when_its_answer_is_driven_again() -> None:
    """What was sent stays sent; what was refused gets another try."""
    world = World()
    refusal = Refused(NotDeliveredReason.REFUSED, PlatformError(code=131026))
    world.platforms.results = [None, refusal]
    await world.take(answer(1, text=LONG))
    await world.take(answer(1, text=LONG, deadline=NOW + 2 * DEADLINE))
    assert [text[0] for text in world.platforms.arrived] == ["a", "b", "c"]


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
    await world.take(answer(1, text=LONG))
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert outcome.reason is NotDeliveredReason.UNKNOWN_INTEGRATION
    assert outcome.parts_sent == len(world.platforms.asked) == 1


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
