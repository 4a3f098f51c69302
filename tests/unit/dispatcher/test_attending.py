"""What customers see before an answer comes: read, typing, a button that was noticed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from recado.channels.errors import RetryLater, SendError
from recado.dispatcher import attending
from recado.dispatcher.attending import Attention
from recado.dispatcher.ports import Name
from recado.schemas.events import MessageReceived
from recado.schemas.webhooks import MessageKind
from recado.servicekit import metrics
from support.dispatching import (
    NOW,
    TELEGRAM,
    WHATSAPP,
    World,
    answer,
    handoff_released,
    handoff_requested,
    message,
)

SHORT = timedelta(milliseconds=30)


class Shows:
    """What a platform was asked to show, and which error it has for the next request."""

    typing_lasts = SHORT

    def __init__(self) -> None:
        self.attended: list[str | None] = []
        self.acknowledged: list[str | None] = []
        self.error: SendError | None = None
        self.asked = asyncio.Event()

    async def attend(self, message: MessageReceived) -> None:
        self.attended.append(message.platform_message_id)
        self.asked.set()
        if self.error is not None:
            raise self.error

    async def acknowledge(self, message: MessageReceived) -> None:
        self.acknowledged.append(message.platform_message_id)
        self.asked.set()


def young(number: int, **changed: object) -> MessageReceived:
    """A message that has just come."""
    times = {"occurred_at": NOW, "sent_at": NOW - timedelta(seconds=2)}
    return message(number).model_copy(update=times | changed)


class Attended(World):
    """A dispatcher whose platforms show typing."""

    def __init__(self) -> None:
        super().__init__()
        self.shows = Shows()
        self.platforms.attends = self.shows

    async def until_ended(self) -> None:
        """All that was begun has ended by itself."""
        async with asyncio.timeout(5):
            await asyncio.gather(*(task for _, task in self.attention._shown.values()))


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Attended]:
    """They want it again at once."""
    monkeypatch.setattr(attending, "IN_TIME", SHORT)
    world = Attended()
    yield world
    await world.attention.close()


async def until_asked(world: Attended) -> None:
    """The platform was asked to show something, from now on."""
    world.shows.asked.clear()
    async with asyncio.timeout(5):
        await world.shows.asked.wait()


async def nothing_shown(world: Attended) -> None:
    """Nothing was begun, or it ended before the platform was asked."""
    await world.until_ended()
    assert world.shows.attended == []


async def test_a_message_is_shown_as_read_until_its_answer_comes(world: Attended) -> None:
    """Again and again while the answer takes long, and no more as soon as it is there."""
    await world.take(young(1))
    for _ in range(3):
        await until_asked(world)
    assert set(world.shows.attended) == {"1"}
    await world.take(answer(1))
    shown = len(world.shows.attended)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(world.shows.attended) == shown
    assert world.platforms.arrived == ["respuesta a 1"]


async def test_the_newest_message_is_the_one_that_is_shown_as_read(world: Attended) -> None:
    await world.take(young(1), young(2))
    await until_asked(world)
    await until_asked(world)
    assert world.shows.attended[-1] == "2"
    assert len(world.attention._shown) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": MessageKind.REACTION},
        {"kind": MessageKind.EDIT},
        {"kind": MessageKind.SYSTEM},
        {"addressed": False},
        {"occurred_at": NOW - timedelta(seconds=31)},
        {"sent_at": NOW - timedelta(seconds=31)},
    ],
    ids=str,
)
async def test_what_nobody_answers_and_what_is_old_is_not_attended_to(
    world: Attended, changed: dict[str, object]
) -> None:
    await world.take(young(1).model_copy(update=changed))
    await nothing_shown(world)


async def test_nobody_types_where_a_person_answers_or_no_answer_is_wanted(world: Attended) -> None:
    await world.take(handoff_requested(), young(1))
    await nothing_shown(world)
    await world.take(handoff_released(), answer(2, opts_out=True), young(3), offset=2)
    await nothing_shown(world)


async def test_nobody_types_when_the_answer_was_quicker_than_the_message_s_record(
    world: Attended,
) -> None:
    """Answers and messages come by two topics."""
    await world.take(answer(1))
    await world.take(young(1))
    await nothing_shown(world)


async def test_it_ends_with_the_partition(world: Attended) -> None:
    await world.take(young(1))
    await until_asked(world)
    world.attention.revoked({1, 2})
    await until_asked(world)
    world.attention.revoked({0})
    assert not world.attention._shown


async def test_an_error_ends_it_for_the_message_and_costs_nothing_else(world: Attended) -> None:
    failed = metrics.ATTENTION.labels(WHATSAPP.platform, "failed")._value
    before = failed.get()
    world.shows.error = RetryLater("no connection")
    await world.take(young(1))
    await until_asked(world)
    await world.until_ended()
    assert failed.get() == before + 1
    await world.row(Name.MESSAGES, young(1).id)


async def test_an_integration_that_is_replaced_or_gone_shows_it_as_it_is_then(
    world: Attended,
) -> None:
    """The connections of the one from before are closed."""
    await world.take(young(1))
    await until_asked(world)
    before = len(world.shows.attended)
    world.platforms.attends = replaced = Shows()
    async with asyncio.timeout(5):
        await replaced.asked.wait()
    assert len(world.shows.attended) == before
    world.platforms.attends = None
    await world.until_ended()


async def test_a_button_is_acknowledged_and_shown_as_read(world: Attended) -> None:
    """Its time is that of the message which it hangs on, perhaps long ago."""
    old = NOW - timedelta(days=2)
    await world.take(young(1, kind=MessageKind.CALLBACK).model_copy(update={"sent_at": old}))
    await until_asked(world)
    await until_asked(world)
    assert world.shows.acknowledged == ["1"]
    assert set(world.shows.attended) == {"1"}


async def test_without_typing_only_buttons_are_acknowledged(world: Attended) -> None:
    quiet = Attention(world.platforms, world.documents, world.clock, typing=False)
    quiet.received(young(1), 0)
    quiet.received(young(2, kind=MessageKind.CALLBACK), 0)
    await until_asked(world)
    await quiet.close()
    assert (world.shows.acknowledged, world.shows.attended) == (["2"], [])


async def test_what_is_too_much_for_the_platform_is_dropped_and_never_waits(
    world: Attended, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An integration has so many a second; a chat too many is not attended to."""
    monkeypatch.setattr(attending, "MOST_AT_ONCE", 25)
    monkeypatch.setattr(Shows, "typing_lasts", timedelta(hours=1))
    dropped = metrics.ATTENTION.labels(TELEGRAM.platform, "dropped")._value
    before = dropped.get()
    for number in range(1, 31):
        chat = TELEGRAM.model_copy(update={"chat": str(number)})
        world.attention.received(young(number, reply_to=chat, conversation=f"c{number}"), 0)
    await until_asked(world)
    for _ in range(50):
        await asyncio.sleep(0)
    assert attending.PER_SECOND <= len(world.shows.attended) <= attending.PER_SECOND + 1
    assert dropped.get() - before == 30 - len(world.shows.attended)
