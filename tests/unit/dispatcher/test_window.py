"""The 24 hours after a customer's message: what is sent later than that."""

from datetime import timedelta

import pytest
from pydantic import JsonValue

from recado.channels.errors import Refused, RetryLater
from recado.channels.registry import CHANNELS
from recado.dispatcher.delivery import PartState
from recado.dispatcher.ports import Name
from recado.schemas.base import Platform
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered
from recado.schemas.webhooks import PlatformError
from recado_lanes import Transient
from support.dispatching import (
    DEADLINE,
    NOW,
    TELEGRAM,
    World,
    answer,
    message,
    operator_reply,
    record,
    turns,
)

from .outcomes import reasons

DAY = timedelta(hours=24)
CARRYING: dict[str, JsonValue] = {"name": "respuesta", "language": "es", "max_text": 100}
ASKING: dict[str, JsonValue] = {"name": "escribenos", "language": "es", "carries_text": False}


def configured(world: World, template: dict[str, JsonValue] | None = None) -> World:
    world.platforms.integrations[Platform.WHATSAPP] = CHANNELS[
        Platform.WHATSAPP
    ].integration_type.model_validate(
        {
            "name": "wa",
            "platform": "whatsapp",
            "phone_number_id": "1",
            "access_token": "t",
            "app_secret": "s",
            "verify_token": "v",
            "outside_window": template,
        }
    )
    return world


def templates(world: World) -> list[str | None]:
    """What was asked of the platform: a template's name, or None for plain text."""
    asked = [part.template for _, part, _, _ in world.platforms.asked]
    return [None if template is None else template.name for template in asked]


async def test_without_a_template_the_platform_is_not_asked() -> None:
    world = configured(World())
    await world.take(message(1))
    world.now = NOW + DAY
    await world.take(answer(1, deadline=world.now + DEADLINE))
    assert world.platforms.asked == []
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert (outcome.reason, outcome.parts_sent) == (NotDeliveredReason.WINDOW_CLOSED, 0)
    assert outcome.error is not None
    row = await world.row(Name.MESSAGES, message(1).id)
    assert row.get("answered_by") is None, "another answer may be made to it"


async def test_what_is_sent_in_time_is_plain_text_up_to_a_margin() -> None:
    """The last minute counts as closed already: sending takes time, and clocks differ."""
    for left, expected in ((timedelta(minutes=2), [None]), (timedelta(seconds=30), ["respuesta"])):
        world = configured(World(), CARRYING)
        await world.take(message(1))
        world.now = message(1).occurred_at + DAY - left
        await world.take(answer(1, deadline=world.now + DEADLINE))
        assert templates(world) == expected


async def test_with_a_template_each_answer_goes_in_it_whole() -> None:
    world = configured(World(), CARRYING)
    await world.take(message(1))
    world.now = NOW + DAY
    await world.take(operator_reply(1).model_copy(update={"deadline": world.now + DEADLINE}))
    words = " ".join(f"palabra{number}" for number in range(50))
    await world.take(answer(1, text=words, deadline=world.now + DEADLINE))
    assert set(templates(world)) == {"respuesta"}
    assert " ".join(world.platforms.arrived[1:]) == words
    assert world.platforms.arrived[0] == "Te escribe Marta."
    assert all(isinstance(event, AnswerDelivered) for event in world.published)
    assert [turn["role"] for turn in turns(await world.conversation())] == [
        "user",
        "assistant",
        "assistant",
    ]


async def test_an_operators_reply_is_held_to_the_window_too() -> None:
    world = configured(World())
    await world.take(message(1))
    world.now = NOW + DAY
    await world.take(operator_reply(1).model_copy(update={"deadline": world.now + DEADLINE}))
    assert (world.platforms.asked, reasons(world)) == ([], [NotDeliveredReason.WINDOW_CLOSED])


async def test_the_hours_count_from_when_the_customer_wrote() -> None:
    """Not from when it came to us, which after an outage is much later."""
    world = configured(World(), CARRYING)
    late = {"sent_at": NOW - DAY - timedelta(hours=1), "occurred_at": NOW - timedelta(minutes=5)}
    await world.take(message(1).model_copy(update=late))
    await world.take(answer(1, received_at=late["occurred_at"]))
    assert templates(world) == ["respuesta"]
    again = {"sent_at": NOW - timedelta(hours=1), "occurred_at": NOW - timedelta(minutes=4)}
    await world.take(message(2).model_copy(update=again), offset=1)
    await world.take(answer(2, received_at=again["occurred_at"]))
    assert templates(world) == ["respuesta", None]


async def test_a_message_that_is_not_recorded_yet_counts_by_its_answer() -> None:
    """Messages and answers come by two topics, and either may be late."""
    world = configured(World())
    await world.take(message(1))
    world.now = NOW + DAY
    new = message(2, occurred_at=world.now, sent_at=world.now)
    await world.take(answer(2, received_at=new.occurred_at, deadline=world.now + DEADLINE))
    assert templates(world) == [None]


async def test_where_nothing_is_known_the_platform_decides() -> None:
    world = configured(World())
    refusal = Refused(NotDeliveredReason.WINDOW_CLOSED, PlatformError(code=131047))
    world.platforms.results = [refusal]
    await world.take(operator_reply(1))
    assert (templates(world), reasons(world)) == ([None], [NotDeliveredReason.WINDOW_CLOSED])


async def test_a_platform_without_a_window_takes_answers_at_any_time() -> None:
    world = configured(World())
    await world.take(message(1, TELEGRAM))
    world.now = NOW + 30 * DAY
    await world.take(answer(1, reply_to=TELEGRAM, deadline=world.now + DEADLINE))
    assert isinstance(world.published[-1], AnswerDelivered)


async def test_customers_are_asked_to_write_once_until_they_do() -> None:
    """Nothing of the answers reached them, and the outcomes and the turns say so."""
    world = configured(World(), ASKING)
    await world.take(message(1))
    world.now = NOW + DAY
    for number in (1, 2):
        reply = operator_reply(number).model_copy(update={"deadline": world.now + DEADLINE})
        await world.take(reply)
    assert templates(world) == ["escribenos"]
    assert reasons(world) == [NotDeliveredReason.WINDOW_CLOSED] * 2
    assert [turn["role"] for turn in turns(await world.conversation())] == ["user"]
    later = world.now + timedelta(hours=1)
    await world.take(message(2, occurred_at=later, sent_at=later))
    world.now += 2 * DAY
    await world.take(operator_reply(3).model_copy(update={"deadline": world.now + DEADLINE}))
    assert templates(world) == ["escribenos"] * 2


async def test_an_answer_that_only_asked_is_delivered_when_driven_again_after_they_wrote() -> None:
    world = configured(World(), ASKING)
    await world.take(message(1))
    world.now = NOW + DAY
    await world.take(answer(1, deadline=world.now + DEADLINE))
    await world.take(message(2, occurred_at=world.now, sent_at=world.now))
    world.restart()
    again = answer(1, deadline=world.now + 2 * DEADLINE)
    await world.take(again)
    assert templates(world) == ["escribenos", None]
    outcome = world.published[-1]
    assert isinstance(outcome, AnswerDelivered)
    assert outcome.platform_message_ids == ("wamid.1", "wamid.2")
    assert world.platforms.arrived[-1] == again.text
    row = await world.row(Name.MESSAGES, again.id)
    assert row["outcome"] == "delivered"


async def test_an_answer_that_only_asked_is_not_sent_again_by_driving_it_again() -> None:
    world = configured(World(), ASKING)
    await world.take(message(1))
    world.now = NOW + DAY
    await world.take(answer(1, deadline=world.now + DEADLINE))
    await world.take(answer(1, deadline=world.now + 2 * DEADLINE))
    assert templates(world) == ["escribenos"]
    assert reasons(world) == [NotDeliveredReason.WINDOW_CLOSED] * 2


@pytest.mark.parametrize("template", [CARRYING, ASKING])
async def test_a_crash_after_the_template_was_sent_sends_it_no_second_time(
    template: dict[str, JsonValue],
) -> None:
    world = configured(World(), template)
    await world.take(message(1))
    world.now = NOW + DAY
    event = answer(1, deadline=world.now + DEADLINE)
    world.publish_fails = [RuntimeError("killed")]
    with pytest.raises(RuntimeError):
        await world.take(event)
    world.restart()
    await world.take(event)
    assert len(world.platforms.asked) == 1
    assert len(world.published) == 1


async def test_the_window_closes_while_an_answer_waits_and_it_goes_as_the_template() -> None:
    """And the other way round: they write while the template waits, and get the text."""
    world = configured(World(), CARRYING)
    await world.take(message(1))
    world.now = message(1).occurred_at + DAY - timedelta(minutes=2)
    event = answer(1, deadline=world.now + timedelta(hours=1))
    world.platforms.results = [RetryLater("busy"), RetryLater("busy")]
    with pytest.raises(Transient):
        await world.handlers.handle(record(event))
    world.now += timedelta(minutes=5)
    with pytest.raises(Transient):
        await world.handlers.handle(record(event))
    stored = await world.ledger.read(str(event.id))
    assert [(part.state, part.attempt) for part in stored.parts] == [(PartState.PENDING, 2)]
    await world.take(message(2, occurred_at=world.now, sent_at=world.now))
    await world.take(event)
    assert templates(world) == [None, "respuesta", None]
    assert isinstance(world.published[-1], AnswerDelivered)


async def test_a_template_that_was_mended_is_the_one_that_is_sent_when_driven_again() -> None:
    world = configured(World(), CARRYING)
    await world.take(message(1))
    world.now = NOW + DAY
    unknown = Refused(NotDeliveredReason.REFUSED, PlatformError(code=132001))
    world.platforms.results = [unknown]
    await world.take(answer(1, deadline=world.now + DEADLINE))
    configured(world, CARRYING | {"name": "respuesta_2"})
    await world.take(answer(1, deadline=world.now + 2 * DEADLINE))
    assert templates(world) == ["respuesta", "respuesta_2"]
    assert reasons(world) == [NotDeliveredReason.REFUSED]
    assert isinstance(world.published[-1], AnswerDelivered)
