"""Parts that are sent again: how often, and what is still known of the first time."""

from datetime import timedelta

import pytest

from recado.channels.errors import ResultUnknown, RetryLater
from recado.dispatcher.ports import Name
from recado.schemas.conversations import ReplyTo
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered
from recado.servicekit import metrics
from recado_lanes import Transient
from support.dispatching import DEADLINE, NOW, TELEGRAM, WHATSAPP, World, answer, message, status


async def uncertain_and_then_not_taken(world: World) -> None:
    """The first request may have arrived; the second surely did not."""
    world.platforms.results = [ResultUnknown("ReadError"), RetryLater("no connection")]
    with pytest.raises(Transient):
        await world.take(answer(1))
    assert len(world.platforms.asked) == 2


async def test_a_report_on_the_first_request_counts_although_the_second_was_not_taken() -> None:
    """The customer has the part: it is not sent a third time."""
    world = World()
    await uncertain_and_then_not_taken(world)
    await world.take(status("wamid.X", of=answer(1)))
    await world.take(answer(1))
    (outcome,) = world.published
    assert isinstance(outcome, AnswerDelivered)
    assert outcome.platform_message_ids == ("wamid.X",)
    assert outcome.repeated_parts == 0
    assert len(world.platforms.asked) == 2


async def test_what_may_have_arrived_is_uncertain_at_the_deadline_and_not_expired() -> None:
    """Nobody may say that nothing was sent, nor give its messages to another answer."""
    world = World()
    await uncertain_and_then_not_taken(world)
    world.now = NOW + DEADLINE
    await world.take(answer(1))
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert outcome.reason is NotDeliveredReason.UNCERTAIN
    row = await world.row(Name.MESSAGES, message(1).id)
    assert row["answered_by"] == str(answer(1).id)


async def test_a_part_that_was_not_taken_is_sent_again_and_counts_as_one_repeat() -> None:
    """What was surely not sent is no repeat, neither in the ledger nor in the metric."""
    world = World()
    repeated = metrics.PARTS_REPEATED.labels(WHATSAPP.platform)._value
    before = repeated.get()
    await uncertain_and_then_not_taken(world)
    assert repeated.get() == before
    await world.take(answer(1))
    assert repeated.get() == before + 1
    (outcome,) = world.published
    assert isinstance(outcome, AnswerDelivered)
    delivery = await world.ledger.read(str(answer(1).id))
    assert delivery.parts[0].repeats == 1


@pytest.mark.parametrize("reply_to", [TELEGRAM, WHATSAPP])
async def test_a_platform_that_never_says_what_it_did_gets_a_part_four_times_at_most(
    reply_to: ReplyTo,
) -> None:
    """Each may have arrived: it is not sent again and again until the deadline, nor at once."""
    world = World()
    world.platforms.results = [ResultUnknown("status 502")] * 20
    await world.take(answer(1, reply_to=reply_to))
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert outcome.reason is NotDeliveredReason.UNCERTAIN
    assert len(world.platforms.asked) == 4
    assert timedelta(seconds=25) <= world.now - NOW < DEADLINE


async def test_an_answer_given_up_as_uncertain_is_sent_again_when_it_is_driven_again() -> None:
    """The repeats before do not count against it."""
    world = World()
    world.platforms.results = [ResultUnknown("status 502")] * 4
    await world.take(answer(1, reply_to=TELEGRAM))
    later = answer(1, reply_to=TELEGRAM, deadline=NOW + 2 * DEADLINE)
    await world.take(later)
    assert isinstance(world.published[-1], AnswerDelivered)
    assert world.published[-1].repeated_parts == 1
    assert len(world.platforms.asked) == 5
