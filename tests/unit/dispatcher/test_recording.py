"""The story in MongoDB: every event changes it once, whatever order and however often it comes."""

import base64
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recado.dispatcher.documents import MAX_PAYLOAD_CHARACTERS, RECENT_TURNS
from recado.dispatcher.ports import Name
from recado.schemas.conversations import User
from recado.schemas.events import Event
from recado.schemas.webhooks import DeliveryStatus, MessageKind, PlatformError, Pricing
from support.dispatching import (
    NOW,
    TELEGRAM,
    World,
    answer,
    handoff_released,
    handoff_requested,
    message,
    operator_reply,
    record,
    status,
    turns,
)
from support.examples import WEBHOOK_RECEIVED
from support.memory_documents import MemoryDocuments

WITH_ERRORS = status(
    "wamid.1", DeliveryStatus.FAILED, of=answer(1), errors=[PlatformError(code=131026)]
)
STORY: Sequence[Event] = (
    message(1),
    message(2, kind=MessageKind.VOICE, text=None),
    message(3, user=User(id="5491100000001", name="Ana María", aliases=("bsuid",))),
    answer(1, introduces=True),
    answer(2, 3, resets_history=True),
    operator_reply(),
    status("wamid.1", DeliveryStatus.SENT, of=answer(1)),
    status("wamid.1", DeliveryStatus.READ, of=answer(1), at=NOW + timedelta(seconds=9)),
    status("wamid.1", DeliveryStatus.DELIVERED, of=answer(1)),
    WITH_ERRORS,
    status("elsewhere", DeliveryStatus.DELIVERED),
    WEBHOOK_RECEIVED,
)
"""Events whose order does not matter. (Of the answers that cover one message, it does.)"""


def contents(world: World) -> object:
    """Everything that is stored, but for platform ids, which go by the order of sending.

    And when conversations open and close: `test_conversing`.
    """
    assert isinstance(world.documents, MemoryDocuments)
    ids = "platform_ids", "platform_keys", "platform_message_id", "owner", "opened_at"

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items() if name not in ids}
        if isinstance(value, list):
            return sorted((plain(inner) for inner in value), key=repr)
        return value

    return {
        name.value: {row_id: plain(row) for row_id, row in rows.items()}
        for name, rows in world.documents.rows.items()
    }


async def told(events: Sequence[tuple[int, Event]]) -> object:
    world = World()
    for offset, event in events:
        await world.handlers.handle(record(event, offset))
    return contents(world)


@settings(max_examples=60, deadline=None)
@given(st.data())
async def test_any_order_with_any_repeats_gives_the_same_documents(data: st.DataObject) -> None:
    """All updates commute, and a record that is handled again changes nothing."""
    story = list(enumerate(STORY))
    shuffled = data.draw(st.permutations(story))
    repeats = data.draw(st.lists(st.sampled_from(story), max_size=8))
    positions = [data.draw(st.integers(0, len(shuffled))) for _ in repeats]
    for position, repeat in zip(positions, repeats, strict=True):
        shuffled.insert(position, repeat)
    assert await told(shuffled) == await told(story)


async def test_the_documents_tell_the_story() -> None:
    """User, conversation, messages and delivery are there with what a reader wants to know."""
    world = World()
    await world.take(message(1), answer(1, introduces=True))
    await world.take(status("wamid.1", DeliveryStatus.READ, of=answer(1)))
    user = await world.row(Name.USERS, "whatsapp:wa:5491100000001")
    assert (user["name"], user["aliases"]) == ("Ana", ["ana"])
    conversation = await world.conversation()
    assert conversation["user"] == user["_id"]
    assert conversation["is_active"] is True
    assert conversation["introduced"] is True
    assert conversation["handoff"] is None
    assert [(turn["role"], turn["text"]) for turn in turns(conversation)] == [
        ("user", "pregunta 1"),
        ("assistant", "respuesta a 1"),
    ]
    assert turns(conversation)[1]["answers"] == [str(message(1).id)]
    question = await world.row(Name.MESSAGES, message(1).id)
    assert question["answered_by"] == str(answer(1).id)
    assert question["sent_at"] == message(1).sent_at
    assert (question["topic"], question["offset"]) == ("recado.messages", 0)
    reply = await world.row(Name.MESSAGES, answer(1).id)
    assert (reply["rung"], reply["outcome"], reply["status"]) == ("grounded", "delivered", "read")


async def test_a_conversation_needs_no_message_to_be_there() -> None:
    """The answer alone is enough: its conversation is made by it, and completed by the message."""
    world = World()
    await world.take(answer(1))
    assert (await world.conversation())["platform"] == "whatsapp"
    await world.take(message(1))
    assert [turn["role"] for turn in turns(await world.conversation())] == ["user", "assistant"]
    row = await world.row(Name.MESSAGES, message(1).id)
    assert (row["kind"], row["answered_by"]) == ("text", str(answer(1).id))


async def test_recent_holds_the_last_turns_in_the_order_in_which_they_were_said() -> None:
    """However they come; an old turn that comes again does not push a newer one out."""
    world = World()
    for number in [*range(25, 0, -1), 3, 24]:
        await world.take(message(number), offset=number)
    texts = [turn["text"] for turn in turns(await world.conversation())]
    assert texts == [f"pregunta {number}" for number in range(6, 26)]
    assert len(texts) == RECENT_TURNS


async def test_messages_of_one_moment_keep_the_order_of_their_offsets() -> None:
    """One webhook brings several messages with one time of arrival."""
    world = World()
    for number in (2, 1, 3):
        await world.take(message(number, occurred_at=NOW), offset=number)
    texts = [turn["text"] for turn in turns(await world.conversation())]
    assert texts == ["pregunta 1", "pregunta 2", "pregunta 3"]


async def test_a_webhook_repeated_by_the_platform_later_does_not_make_an_old_message_new() -> None:
    """The first delivery's time and offset stay, also for a turn that was pushed out since."""
    world = World()
    for number in range(1, 23):
        await world.take(message(number), offset=number)
    await world.take(message(1, occurred_at=NOW), offset=99)
    texts = [turn["text"] for turn in turns(await world.conversation())]
    assert "pregunta 1" not in texts
    row = await world.row(Name.MESSAGES, message(1).id)
    assert (row["offset"], row["at"]) == (1, message(1).occurred_at)


async def test_what_has_no_words_is_kept_and_is_no_turn() -> None:
    """A voice note is a message; there is nothing of it to show to a model."""
    world = World()
    await world.take(message(1, kind=MessageKind.VOICE, text=None))
    await world.take(message(2, kind=MessageKind.EDIT))
    assert turns(await world.conversation()) == []
    assert (await world.row(Name.MESSAGES, message(1).id))["kind"] == "voice"


async def test_a_reset_cuts_history_at_the_message_that_asked_for_it() -> None:
    """Turns before that moment do not count; an older reset that comes again moves nothing."""
    world = World()
    await world.take(answer(5, resets_history=True), answer(2, resets_history=True))
    assert (await world.conversation())["history_from"] == message(5).occurred_at


@pytest.mark.parametrize("answer_first", [True, False])
async def test_a_status_without_callback_data_joins_the_answer_by_the_platforms_id(
    answer_first: bool,
) -> None:
    """Whichever comes first, the answer's row ends with the status."""
    world = World()
    report = status("wamid.1", DeliveryStatus.DELIVERED)
    events: list[Event] = [answer(1), report]
    await world.take(*(events if answer_first else reversed(events)))
    assert (await world.row(Name.MESSAGES, answer(1).id))["status"] == "delivered"


async def test_a_report_that_names_nobody_begins_the_row_of_the_answers_conversation() -> None:
    """It may come before the answer, and its own conversation is as far as it can tell."""
    world = World()
    report = status("wamid.1", DeliveryStatus.SENT, of=answer(1))
    await world.take(report.model_copy(update={"conversation": "whatsapp:wa:status-of-wamid.1"}))
    row = await world.row(Name.MESSAGES, answer(1).id)
    assert row["conversation"] == answer(1).conversation


async def test_a_lower_status_that_comes_later_does_not_take_a_higher_back() -> None:
    """Statuses come in any order; the highest counts, and every time is kept."""
    world = World()
    await world.take(answer(1))
    for each in (DeliveryStatus.READ, DeliveryStatus.SENT, DeliveryStatus.DELIVERED):
        await world.take(status("wamid.1", each, of=answer(1)))
    row = await world.row(Name.MESSAGES, answer(1).id)
    assert row["status"] == "read"
    assert row["reports"] == {"0": {"sent": NOW, "read": NOW, "delivered": NOW}}


async def test_an_older_handoff_that_comes_again_changes_nothing() -> None:
    """After the release, the request's redelivery does not silence the assistant again."""
    world = World()
    await world.take(handoff_requested(), handoff_released(), offset=3)
    await world.take(handoff_requested(), offset=3)
    assert (await world.conversation())["handoff"] is None


async def test_a_handoff_may_be_the_first_that_is_known_of_a_conversation() -> None:
    """An operator may take over before anything else was recorded."""
    world = World()
    await world.take(handoff_requested())
    assert (await world.conversation())["handoff"] == {"since": NOW, "reason": "asked for a person"}
    await world.take(message(1))
    conversation = await world.conversation()
    assert conversation["platform"] == "whatsapp"
    assert conversation["handoff"] is not None


async def test_a_persons_reply_is_a_turn_of_ours_with_the_persons_name() -> None:
    """Who reads the history can tell a person's words from the assistant's."""
    world = World()
    await world.take(operator_reply(), answer(1, reply_to=TELEGRAM))
    (turn,) = turns(await world.conversation())
    assert (turn["role"], turn["operator"]) == ("assistant", "marta")
    assert (await world.row(Name.MESSAGES, operator_reply().id))["operator"] == "marta"


async def test_an_answer_that_was_not_sent_is_no_turn() -> None:
    """History is what the customer has seen."""
    world = World()
    world.platforms.known = False
    await world.take(answer(1))
    assert turns(await world.conversation()) == []
    row = await world.row(Name.MESSAGES, answer(1).id)
    assert row["outcome"] == "unknown_integration"


@pytest.mark.parametrize("cut_by_ingress", [True, False])
async def test_a_webhooks_payload_is_cut_and_says_so(cut_by_ingress: bool) -> None:
    """A document can't hold what the topic can; size and hash stay those of the whole."""
    payload = base64.b64encode(b"\xff" * 200_000).decode()
    event = WEBHOOK_RECEIVED.model_copy(
        update={
            "payload": payload,
            "payload_encoding": "base64",
            "payload_bytes": 200_000,
            "payload_cut": cut_by_ingress,
        }
    )
    world = World()
    await world.take(event, WEBHOOK_RECEIVED)
    row = await world.row(Name.WEBHOOKS, WEBHOOK_RECEIVED.id)
    assert row["payload"] == payload[:MAX_PAYLOAD_CHARACTERS]
    assert row["payload_cut"] is True
    assert row["payload_bytes"] == 200_000
    assert row["expires_at"] == event.occurred_at + timedelta(days=30)


async def test_a_short_payload_is_kept_whole() -> None:
    """Nothing is cut that need not be."""
    world = World()
    await world.take(WEBHOOK_RECEIVED)
    row = await world.row(Name.WEBHOOKS, WEBHOOK_RECEIVED.id)
    assert (row["payload"], row["payload_cut"]) == (WEBHOOK_RECEIVED.payload, False)


async def test_what_a_message_costs_is_kept_once_whichever_report_told_it() -> None:
    """By the part that it is of; a report without our callback data is joined with it, too."""
    price = Pricing(category="service", billable=False, model="PMP", type="free_customer_service")
    world = World()
    await world.take(answer(1))
    for one in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED):
        await world.take(status("wamid.1", one, of=answer(1), pricing=price))
    row = await world.row(Name.MESSAGES, answer(1).id)
    assert row["pricing"] == [{"part": "0", **price.model_dump(mode="json")}]
    await world.take(status("wamid.2", DeliveryStatus.SENT, pricing=price), answer(2))
    row = await world.row(Name.MESSAGES, answer(2).id)
    assert row["pricing"] == [{"part": "0", **price.model_dump(mode="json")}]
