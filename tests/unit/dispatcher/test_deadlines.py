"""No answer is sent past its deadline, and none waits beyond it."""

from datetime import timedelta

import pytest

from recado.channels.errors import RetryLater, SenderStopped
from recado.dispatcher.ports import Name
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered
from recado_lanes import Transient, Unavailable
from support.dispatching import DEADLINE, NOW, TELEGRAM, World, answer

from .outcomes import BROKEN, LONG, reasons


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


async def test_a_pause_beyond_the_deadline_is_cut_at_the_deadline() -> None:
    """The answer ends by its deadline, whatever the platform asks for."""
    world = World()
    world.platforms.results = [RetryLater("busy", retry_after=timedelta(days=1))]
    with pytest.raises(Transient) as transient:
        await world.take(answer(1))
    assert transient.value.retry_after == DEADLINE
