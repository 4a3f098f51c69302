"""Of two answers to the same messages the customer sees the first."""

import pytest

from recado.channels.errors import Refused, SenderStopped
from recado.dispatcher.ports import Name
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.webhooks import PlatformError
from recado_lanes import Unavailable
from support.dispatching import World, answer, message

from .outcomes import BROKEN, reasons


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


async def test_a_refused_answer_does_not_take_away_the_marks_of_the_one_that_was_sent() -> None:
    """After a refused overlap, a third answer to an answered message is still superseded."""
    world = World()
    await world.take(answer(1))
    world.platforms.results = [Refused(NotDeliveredReason.REFUSED, PlatformError(code=1))]
    await world.take(answer(1, 2))
    row = await world.row(Name.MESSAGES, message(1).id)
    assert row["answered_by"] == str(answer(1).id)
