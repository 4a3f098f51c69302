"""While a person has the conversation the assistant is silent."""

import pytest

from recado.channels.errors import RetryLater
from recado.schemas.deliveries import NotDeliveredReason
from recado_lanes import Transient
from support.dispatching import World, answer, handoff_released, handoff_requested, operator_reply

from .outcomes import LONG, reasons


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


async def test_an_answer_that_was_begun_is_finished_though_a_person_took_over() -> None:
    """A customer does not keep half of an answer."""
    world = World()
    world.platforms.results = [None, RetryLater("busy")]
    with pytest.raises(Transient):
        await world.take(answer(1, text=LONG))
    await world.take(handoff_requested(), offset=1)
    await world.take(answer(1, text=LONG))
    assert [text[0] for text in world.platforms.arrived] == ["a", "b", "c"]


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
