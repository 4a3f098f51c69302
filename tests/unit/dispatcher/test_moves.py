"""A chat that goes on under another id: its conversation goes with it, and so do answers."""

from datetime import timedelta

import pytest

from recado.channels.errors import ChatMoved, Unclassified
from recado.dispatcher.closing import Closing
from recado.dispatcher.ports import Name
from recado.schemas.content import Change
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerNotDelivered
from recado_lanes import Transient
from support.amendments import reaction
from support.dispatching import (
    CLOSES_AFTER,
    NOW,
    TELEGRAM,
    World,
    answer,
    conversation_of,
    handoff_requested,
    message,
    record,
    turns,
)

from .test_refusals import STRANGE, of_chat, told


async def test_an_answer_follows_its_chat_and_the_conversation_goes_on_there() -> None:
    """Sent to the new chat at once, once; turns and hand-off are those of the old one."""
    world = World()
    moved = of_chat("-100200300")
    await world.take(message(1, TELEGRAM))
    world.platforms.results = [ChatMoved(moved.chat)]
    await world.take(answer(1, reply_to=TELEGRAM), answer(1, reply_to=TELEGRAM))
    assert [asked[0].chat for asked in world.platforms.asked] == [TELEGRAM.chat, moved.chat]
    assert world.platforms.arrived == ["respuesta a 1"]
    old = await world.conversation(TELEGRAM)
    assert (old["moved_to"], old["is_active"]) == (conversation_of(moved), False)
    new = await world.conversation(moved)
    assert [turn["text"] for turn in turns(new)] == ["pregunta 1", "respuesta a 1"]
    await world.take(message(2, moved))
    assert len(turns(await world.conversation(moved))) == 3


@pytest.mark.parametrize("first_message_there", [False, True])
async def test_what_holds_in_a_conversation_holds_where_it_goes_on(
    first_message_there: bool,
) -> None:
    """Whether the new chat was written in before or after we heard of it, and told twice."""
    world = World()
    moved = of_chat("-100200300")
    leaves = answer(1, reply_to=TELEGRAM, introduces=True, opts_out=True)
    await world.take(message(1, TELEGRAM), leaves, handoff_requested(TELEGRAM))
    new = message(2, moved)
    if first_message_there:
        await world.take(new, offset=9)
    told_of_it = told(3, Change.CHAT_MOVED, new=moved.chat)
    await world.take(told_of_it, told_of_it, offset=10)
    if not first_message_there:
        await world.take(new, offset=9)
    there = await world.conversation(moved)
    assert (there["introduced"], there["is_active"]) == (True, True)
    assert there["opted_out_at"] == message(1).occurred_at
    assert there["handoff"] == {"since": NOW, "reason": "asked for a person"}
    assert there["opened_at"] == message(1).occurred_at
    assert [turn["text"] for turn in turns(there)] == ["pregunta 1", "pregunta 2", "respuesta a 1"]


async def test_a_conversation_that_went_on_elsewhere_closes_there_by_silence() -> None:
    world = World()
    await world.take(message(1, TELEGRAM), told(3, Change.CHAT_MOVED, new="-77"))
    world.now += timedelta(days=2)
    await Closing(world.documents, world.clock, after=CLOSES_AFTER).sweep()
    there = await world.conversation(of_chat("-77"))
    assert (there["is_active"], there["closed_by"]) == (False, "silence")


@pytest.mark.parametrize("swept", [False, True])
async def test_what_ended_long_before_the_move_is_another_conversation(swept: bool) -> None:
    """Whether its silence was noticed or not."""
    world = World()
    moved = of_chat("-77")
    long_ago = message(1, TELEGRAM, occurred_at=NOW - timedelta(days=29))
    await world.take(long_ago)
    if swept:
        await Closing(world.documents, world.clock, after=CLOSES_AFTER).sweep()
    await world.take(message(2, moved), told(3, Change.CHAT_MOVED, new=moved.chat), offset=1)
    there = await world.conversation(moved)
    assert (there["is_active"], there["opened_at"]) == (True, message(2, moved).occurred_at)


async def test_an_answer_that_moved_is_found_and_told_where_it_went() -> None:
    """Also where the conversation was known to be there before its outcome."""
    world = World()
    moved = of_chat("-77")
    world.platforms.results = [ChatMoved(moved.chat)]
    await world.take(message(1, TELEGRAM), told(3, Change.CHAT_MOVED, new=moved.chat))
    await world.take(answer(1, reply_to=TELEGRAM))
    assert "respuesta a 1" in [turn["text"] for turn in turns(await world.conversation(moved))]
    await world.take(reaction("wamid.1", "👍", after=5, reply_to=moved), offset=9)
    assert (await world.row(Name.MESSAGES, answer(1, reply_to=TELEGRAM).id))["reactions"]


async def test_a_part_that_waits_goes_to_the_new_chat_after_a_crash() -> None:
    """The ledger knows where the answer goes."""
    world = World()
    world.platforms.results = [ChatMoved("-1"), Unclassified(STRANGE)]
    one = record(answer(1, reply_to=TELEGRAM))
    with pytest.raises(Transient):
        await world.handlers.handle(one)
    world.restart()
    await world.handlers.handle(one)
    assert [asked[0].chat for asked in world.platforms.asked] == [TELEGRAM.chat, "-1", "-1"]


async def test_a_chat_that_moves_in_circles_is_given_up() -> None:
    world = World()
    world.platforms.results = [ChatMoved("-1"), ChatMoved(TELEGRAM.chat)]
    await world.take(answer(1, reply_to=TELEGRAM))
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert outcome.reason is NotDeliveredReason.REFUSED


async def test_a_move_that_telegram_tells_of_takes_the_history_along() -> None:
    """Whether the first message from the new chat was recorded before or after it."""
    moved = of_chat("-77")
    for told_first in (True, False):
        world = World()
        await world.take(message(1, TELEGRAM))
        events = [told(2, Change.CHAT_MOVED, new="-77"), message(3, moved)]
        await world.take(*(events if told_first else reversed(events)))
        texts = [turn["text"] for turn in turns(await world.conversation(moved))]
        assert texts == ["pregunta 1", "pregunta 3"]
