"""When a conversation opens and closes: by what the customer says, and when, by nothing else."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recado.dispatcher.closing import AT_ONCE, Closing
from recado.dispatcher.documents import milliseconds
from recado.dispatcher.outgoing import Position
from recado.dispatcher.ports import Name
from recado.schemas.answers import AnswerGenerated
from recado.schemas.content import Change, Content, SystemChange
from recado.schemas.events import MessageReceived
from recado.schemas.webhooks import MessageKind
from support.dispatching import (
    CLOSES_AFTER,
    NOW,
    TELEGRAM,
    WHATSAPP,
    World,
    answer,
    conversation_of,
    handoff_requested,
    message,
    operator_reply,
    record,
)

HOUR = timedelta(hours=1)
TIMES = ("is_active", "opened_at", "closed_at", "closed_by", "last_message_at", "history_from")


def said(number: int, hours: float) -> MessageReceived:
    """A message so many hours after the first."""
    return message(number, occurred_at=NOW + hours * HOUR)


def reset(number: int, hours: float) -> AnswerGenerated:
    """The answer to a `/reset` that was message `number`, said at that time."""
    at = NOW + hours * HOUR
    return answer(
        number,
        resets_history=True,
        received_at=at,
        occurred_at=at + timedelta(seconds=1),
        deadline=NOW + 10_000 * HOUR,
    )


async def times(world: World) -> dict[str, object]:
    conversation = await world.conversation()
    return {name: conversation.get(name) for name in TIMES}


async def sweep(world: World, at: datetime) -> int:
    return await Closing(world.documents, lambda: at, after=CLOSES_AFTER).sweep()


async def test_a_conversation_is_open_from_the_customers_first_message_on() -> None:
    """What we write, or who takes over, does not open it."""
    world = World()
    await world.take(operator_reply(), handoff_requested())
    assert (await times(world))["is_active"] is False
    await world.take(said(1, 0), said(2, 5))
    assert await times(world) == {
        "is_active": True,
        "opened_at": NOW,
        "closed_at": None,
        "closed_by": None,
        "last_message_at": NOW + 5 * HOUR,
        "history_from": None,
    }


async def test_silence_closes_and_the_next_message_opens() -> None:
    """`closed_at` is when the silence was long enough, whoever looks and whenever."""
    world = World()
    await world.take(said(1, 0), said(2, 1))
    assert await sweep(world, NOW + 25 * HOUR) == 0
    assert await sweep(world, NOW + 40 * HOUR) == 1
    assert await sweep(world, NOW + 40 * HOUR) == 0
    closed = await times(world)
    assert closed["is_active"] is False
    assert (closed["closed_at"], closed["closed_by"]) == (NOW + 25 * HOUR, "silence")
    await world.take(said(3, 41))
    opened = await times(world)
    assert (opened["is_active"], opened["opened_at"]) == (True, NOW + 41 * HOUR)
    assert (opened["closed_at"], opened["closed_by"]) == (None, None)


async def test_a_message_after_the_silence_opens_though_nobody_looked_meanwhile() -> None:
    """The dispatchers may all have been away."""
    world = World()
    await world.take(said(1, 0), said(2, 24), said(3, 49))
    assert (await times(world))["opened_at"] == NOW + 49 * HOUR


async def test_a_message_that_was_on_its_way_meanwhile_takes_the_close_back() -> None:
    """It was said in time; that it came late, behind a backlog, is nothing the customer did."""
    world = World()
    await world.take(said(1, 0))
    await sweep(world, NOW + 30 * HOUR)
    await world.take(said(2, 20))
    opened = await times(world)
    assert (opened["is_active"], opened["opened_at"], opened["closed_at"]) == (True, NOW, None)


async def test_an_old_message_that_comes_again_opens_nothing() -> None:
    """Neither a closed conversation, nor the open one at an earlier time."""
    world = World()
    await world.take(said(1, 0), said(2, 30))
    await world.take(said(1, 0))
    assert (await times(world))["opened_at"] == NOW + 30 * HOUR
    await sweep(world, NOW + 90 * HOUR)
    closed = await times(world)
    await world.take(said(1, 0), said(2, 30))
    assert await times(world) == closed


async def test_a_reset_closes_at_its_message_and_the_next_message_opens() -> None:
    """Silence does not close it again."""
    world = World()
    await world.take(said(1, 0), said(2, 1), reset(2, 1))
    closed = await times(world)
    assert (closed["is_active"], closed["opened_at"]) == (False, NOW)
    assert (closed["closed_at"], closed["closed_by"]) == (NOW + HOUR, "reset")
    assert await sweep(world, NOW + 90 * HOUR) == 0
    await world.take(said(3, 2))
    opened = await times(world)
    assert (opened["is_active"], opened["opened_at"]) == (True, NOW + 2 * HOUR)
    assert opened["history_from"] == NOW + HOUR


async def test_what_was_said_after_a_reset_before_it_was_answered_is_the_new_conversation() -> None:
    """The answer comes a little later; the first message since opens, be it without words."""
    world = World()
    spoken = said(3, 2).model_copy(update={"kind": MessageKind.VOICE, "text": None})
    edited = said(9, 1.5).model_copy(update={"kind": MessageKind.EDIT})
    await world.take(said(1, 0), said(2, 1), edited, spoken, said(4, 3), reset(2, 1))
    opened = await times(world)
    assert (opened["is_active"], opened["opened_at"]) == (True, NOW + 2 * HOUR)


GAPS = st.lists(st.sampled_from([0.5, 3.0, 23.0, 24.0, 25.0, 70.0]), min_size=1, max_size=7)


def expected(hours: Sequence[float], resets: Sequence[int]) -> tuple[bool, float]:
    """Whether it is open after these messages, and since when: said once more, in few words."""
    opened, is_open = hours[0], True
    for number in range(1, len(hours)):
        if hours[number] - hours[number - 1] > 24 or number - 1 in resets:
            opened = hours[number]
    is_open = len(hours) - 1 not in resets
    return is_open, opened


@settings(max_examples=150, deadline=None)
@given(GAPS, st.data())
async def test_messages_in_order_with_answers_sweeps_and_repeats_anywhere_end_the_same(
    gaps: Sequence[float], data: st.DataObject
) -> None:
    """So a redelivery, a backlog or a rebuild tells the same story."""
    hours = [sum(gaps[:count]) for count in range(len(gaps) + 1)]
    resets = data.draw(st.sets(st.integers(0, len(gaps)), max_size=3))
    events: list[tuple[int, MessageReceived | AnswerGenerated]] = [
        (number, said(number + 1, at)) for number, at in enumerate(hours)
    ]
    earliest = 0
    for number in sorted(resets):
        # Of several, each is answered after its message is recorded: see the module's docstring.
        if len(resets) > 1:
            message_at = next(at for at, (offset, _) in enumerate(events) if offset == number)
            earliest = max(earliest, message_at + 1)
        place = data.draw(st.integers(earliest, len(events)))
        events.insert(place, (100 + number, reset(number + 1, hours[number])))
        earliest = place + 1
    for _ in range(data.draw(st.integers(0, 3))):  # a crash: what was done since is done again
        begin = data.draw(st.integers(0, len(events) - 1))
        end = data.draw(st.integers(begin + 1, len(events)))
        events[end:end] = events[begin:end]
    sweeps = data.draw(st.sets(st.integers(0, len(events) - 1)))
    world = World()
    for place, (offset, event) in enumerate(events):
        await world.handlers.handle(record(event, offset))
        if place in sweeps:
            await sweep(world, NOW + 10_000 * HOUR)
    told = await times(world)
    is_open, opened = expected(hours, sorted(resets))
    assert told["opened_at"] == milliseconds(NOW + opened * HOUR)
    assert told["last_message_at"] == milliseconds(NOW + hours[-1] * HOUR)
    await sweep(world, NOW + 10_000 * HOUR)
    closed = await times(world)
    assert closed["is_active"] is False
    assert closed["closed_by"] == ("silence" if is_open else "reset")
    ended = hours[-1] + (24 if is_open else 0)
    assert closed["closed_at"] == milliseconds(NOW + ended * HOUR)


@pytest.mark.parametrize(
    "kind", [MessageKind.EDIT, MessageKind.REVOKE, MessageKind.REACTION, MessageKind.SYSTEM]
)
async def test_what_is_not_said_opens_nothing(kind: MessageKind) -> None:
    """A thumb up a week later is no new conversation, and no message of the customer's."""
    world = World()
    await world.take(said(1, 0))
    await sweep(world, NOW + 30 * HOUR)
    before = await times(world)
    await world.take(message(2, kind=kind, text=None, occurred_at=NOW + 100 * HOUR))
    assert await times(world) == before
    assert (await world.conversation())["last_activity_at"] == NOW + 100 * HOUR


async def test_as_many_as_there_are_are_closed() -> None:
    """More than one request takes."""
    world = World()
    for number in range(AT_ONCE + 1):
        chat = WHATSAPP.model_copy(update={"chat": str(number)})
        await world.recording.message(message(1, chat), Position("recado.messages", 0, number, NOW))
    assert await sweep(world, NOW + 90 * HOUR) == AT_ONCE + 1


def system(number: int, change: Change, hours: float) -> MessageReceived:
    """What the platform says about the customer."""
    return message(
        number,
        TELEGRAM,
        kind=MessageKind.SYSTEM,
        text=None,
        occurred_at=NOW + hours * HOUR,
        content=Content(system=SystemChange(change=change)),
    )


async def test_a_customer_who_blocked_us_is_written_down_until_they_write_or_unblock() -> None:
    """Whatever comes first, and again."""
    blocked, unblocked = system(2, Change.BLOCKED, 1), system(3, Change.UNBLOCKED, 2)
    wrote = message(4, TELEGRAM, occurred_at=NOW + 3 * HOUR)
    for back in (unblocked, wrote):
        world = World()
        await world.take(message(1, TELEGRAM), blocked)
        assert (await world.conversation(TELEGRAM))["blocked_at"] == NOW + HOUR
        await world.take(back, blocked)
        assert (await world.conversation(TELEGRAM))["blocked_at"] is None


async def test_a_platform_that_says_we_are_blocked_does_not_say_that_they_wrote() -> None:
    """An update about the customer is no message of theirs."""
    world = World()
    await world.take(system(2, Change.BLOCKED, 1))
    conversation = await world.conversation(TELEGRAM)
    assert conversation["is_active"] is False
    assert "last_message_at" not in conversation
    row = await world.row(Name.MESSAGES, system(2, Change.BLOCKED, 1).id)
    assert row["conversation"] == conversation_of(TELEGRAM)
