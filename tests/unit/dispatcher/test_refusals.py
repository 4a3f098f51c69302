"""What the platform says of the account, the chat or the customer, and what becomes of answers."""

from datetime import timedelta

import pytest

from recado.channels.errors import Refused, SenderStopped, Unclassified
from recado.dispatcher.ports import Name
from recado.schemas.content import Change, Content, SystemChange
from recado.schemas.conversations import ReplyTo
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered, MessageReceived
from recado.schemas.webhooks import MessageKind, PlatformError
from recado_lanes import Transient, Unavailable
from support.dispatching import (
    NOW,
    TELEGRAM,
    WHATSAPP,
    World,
    answer,
    message,
    operator_reply,
    record,
)

BROKEN = PlatformError(code=190, title="Invalid OAuth access token")
STRANGE = PlatformError(code=131999, title="Something new")


def of_chat(chat: str, reply_to: ReplyTo = TELEGRAM) -> ReplyTo:
    return reply_to.model_copy(update={"chat": chat})


def told(number: int, change: Change, *, new: str | None = None) -> MessageReceived:
    """A message by which Telegram tells of a change of the chat."""
    return message(
        number,
        TELEGRAM,
        kind=MessageKind.SYSTEM,
        text=None,
        content=Content(system=SystemChange(change=change, new=new)),
    )


async def test_a_reason_without_a_name_is_final_when_it_comes_again_and_again() -> None:
    """It may pass, so it is tried thrice; then the outcome has the platform's words."""
    world = World()
    world.platforms.results = [Unclassified(STRANGE)] * 3
    one = record(answer(1))
    for _ in range(2):
        with pytest.raises(Transient):
            await world.handlers.handle(one)
    await world.handlers.handle(one)
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert (outcome.reason, outcome.error) == (NotDeliveredReason.REFUSED, STRANGE)
    assert world.platforms.arrived == []


async def test_a_reason_without_a_name_that_passes_costs_nothing() -> None:
    world = World()
    world.platforms.results = [Unclassified(STRANGE)] * 2
    one = record(answer(1))
    for _ in range(2):
        with pytest.raises(Transient):
            await world.handlers.handle(one)
    await world.handlers.handle(one)
    assert isinstance(world.published[0], AnswerDelivered)


async def test_nothing_automatic_goes_to_who_has_shut_us_out_until_they_write_again() -> None:
    world = World()
    await world.take(message(1, TELEGRAM), told(2, Change.BLOCKED))
    await world.take(answer(1, reply_to=TELEGRAM))
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert outcome.reason is NotDeliveredReason.BLOCKED
    assert world.platforms.asked == []
    await world.take(operator_reply(1, TELEGRAM))
    assert len(world.platforms.asked) == 1, "a person may try"
    # The answer may overtake the record of the message that it answers.
    await world.take(answer(3, reply_to=TELEGRAM), message(3, TELEGRAM))
    assert world.platforms.arrived[-1] == "respuesta a 3"
    assert (await world.conversation(TELEGRAM))["blocked_at"] is None


async def test_being_let_in_again_counts_without_a_word() -> None:
    world = World()
    await world.take(
        message(1, TELEGRAM),
        told(2, Change.BLOCKED),
        told(3, Change.UNBLOCKED),
    )
    assert (await world.conversation(TELEGRAM))["blocked_at"] is None


async def test_one_answer_asks_for_a_stopped_integration_and_the_others_wait() -> None:
    """Other integrations go on; one that takes something again has all go on."""
    world = World()
    stop = SenderStopped("wa", BROKEN)
    world.platforms.results = [stop]
    chats = [of_chat(str(number), WHATSAPP) for number in range(5)]
    for chat in chats:
        with pytest.raises(Unavailable, match="190") as waits:
            await world.handlers.handle(record(answer(1, reply_to=chat)))
        assert waits.value.only_key
    assert len(world.platforms.asked) == 1
    assert await world.stopped.warning() == "whatsapp takes nothing of wa (code 190)"
    await world.take(answer(1, reply_to=TELEGRAM))
    assert world.platforms.arrived == ["respuesta a 1"]
    world.now += timedelta(seconds=20)
    world.platforms.results = [stop]
    for chat in chats:
        with pytest.raises(Unavailable):
            await world.handlers.handle(record(answer(1, reply_to=chat)))
    assert len(world.platforms.asked) == 3, "one asked again"
    world.now += timedelta(seconds=20)
    for chat in chats:
        await world.take(answer(1, reply_to=chat))
    assert len(world.platforms.arrived) == 6
    assert await world.stopped.warning() is None


async def test_a_refused_message_shows_that_the_integration_works() -> None:
    world = World()
    refused = Refused(NotDeliveredReason.REFUSED, PlatformError(code=131026))
    world.platforms.results = [SenderStopped("wa", BROKEN), refused]
    with pytest.raises(Unavailable):
        await world.handlers.handle(record(answer(1)))
    world.now += timedelta(seconds=20)
    await world.take(answer(1))
    assert await world.stopped.warning() is None


async def test_what_waits_for_a_stopped_integration_expires_and_can_be_driven_again() -> None:
    """Without asking the platform; and the same answer with more time goes out later."""
    world = World()
    world.platforms.results = [SenderStopped("wa", BROKEN)]
    late = answer(1)
    with pytest.raises(Unavailable):
        await world.handlers.handle(record(late))
    world.now = late.deadline
    await world.take(late)
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert outcome.reason is NotDeliveredReason.EXPIRED
    assert len(world.platforms.asked) == 1
    world.now += timedelta(minutes=1)
    await world.take(late.model_copy(update={"deadline": world.now + timedelta(minutes=15)}))
    assert isinstance(world.published[-1], AnswerDelivered)
    row = await world.row(Name.MESSAGES, late.id)
    assert row["outcome"] == "delivered"
    assert world.now > NOW
