"""Edits, revokes and reactions: applied to their message, whatever comes first."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recado.dispatcher.amending import REACTIONS, VERSIONS
from recado.dispatcher.documents import RECENT_TURNS
from recado.dispatcher.ports import Name
from recado.schemas.context import Context
from recado.schemas.conversations import ReplyTo, User
from recado.schemas.events import Event
from recado.schemas.webhooks import MessageKind
from support.amendments import BETO, STORY, edit, reaction, revoke
from support.dispatching import NOW, TELEGRAM, WHATSAPP, World, answer, message, record, turns
from support.memory_documents import MemoryDocuments


async def told(events: Sequence[tuple[int, Event]]) -> World:
    world = World()
    for offset, event in events:
        await world.handlers.handle(record(event, offset))
    return world


def rows(world: World) -> object:
    assert isinstance(world.documents, MemoryDocuments)
    return dict(world.documents.rows)


@settings(max_examples=80, deadline=None)
@given(st.data())
async def test_any_order_with_any_repeats_ends_the_same(data: st.DataObject) -> None:
    """Messages, what changes them, answers and reactions to these: all of it commutes."""
    story = list(enumerate(STORY))
    shuffled = data.draw(st.permutations(story))
    for repeat in data.draw(st.lists(st.sampled_from(story), max_size=6)):
        shuffled.insert(data.draw(st.integers(0, len(shuffled))), repeat)
    # A conversation's time of opening is `test_conversing`'s: it asks for messages in their order.
    assert rows(await told(shuffled)) == rows(await told(story))


async def test_the_latest_edit_is_the_text_of_message_and_turn() -> None:
    """The former texts are kept, the first of them as it came; what was edited, and when."""
    world = World()
    await world.take(message(1, TELEGRAM), edit(1, "dos", after=2), edit(1, "uno", after=1))
    row = await world.row(Name.MESSAGES, message(1, TELEGRAM).id)
    assert (row["text"], row["edited_at"]) == ("dos", NOW + timedelta(seconds=2))
    versions = row["versions"]
    assert isinstance(versions, list)
    assert [one["text"] for one in versions] == ["pregunta 1", "uno", "dos"]
    assert [turn["text"] for turn in turns(await world.conversation(TELEGRAM))] == ["dos"]
    assert (await world.row(Name.MESSAGES, edit(1, "uno", after=1).id))["kind"] == "edit"


async def test_an_edit_that_comes_before_its_message_heals() -> None:
    """The message takes it over as soon as it is there."""
    world = World()
    await world.take(edit(1, "corregida", after=1), message(1, TELEGRAM))
    assert (await world.row(Name.MESSAGES, message(1, TELEGRAM).id))["text"] == "corregida"
    assert [turn["text"] for turn in turns(await world.conversation(TELEGRAM))] == ["corregida"]


@pytest.mark.parametrize("reply_to", [TELEGRAM, WHATSAPP], ids=["telegram", "whatsapp"])
async def test_a_message_that_was_taken_back_leaves_no_words_anywhere(reply_to: ReplyTo) -> None:
    """Neither in its row, nor in a version, its turn, or the row of an edit; and none come back."""
    changed = edit(1, "clave corregida", after=1, reply_to=reply_to)
    story = (
        message(1, reply_to, text="clave secreta"),
        changed,
        revoke(1, reply_to=reply_to),
        edit(1, "otra clave", after=2, reply_to=reply_to),
        changed,
    )
    world = World()
    await world.take(*story)
    assert "clave" not in repr(rows(world))
    row = await world.row(Name.MESSAGES, story[0].id)
    assert (row["text"], row["revoked_at"]) == (None, NOW + timedelta(minutes=1))
    (turn,) = turns(await world.conversation(reply_to))
    assert turn["text"] == ""


async def test_a_turn_that_was_taken_back_lets_no_older_one_in() -> None:
    """It keeps its place among the last turns; an edit of one that was cut off stays without."""
    world = World()
    numbers = range(1, RECENT_TURNS + 2)
    await world.take(*(message(number, TELEGRAM) for number in numbers))
    await world.take(revoke(5), edit(1, "vieja", after=1))
    texts = [turn["text"] for turn in turns(await world.conversation(TELEGRAM))]
    assert len(texts) == RECENT_TURNS
    assert texts[0] == "pregunta 2"
    assert texts[3] == ""


async def test_an_id_of_telegram_means_a_message_of_its_own_chat_only() -> None:
    """Message 1 of another chat, and of another business connection, is another message."""
    elsewhere = TELEGRAM.model_copy(update={"chat": "4712"})
    business = TELEGRAM.model_copy(update={"business_connection": "B1"})
    world = World()
    await world.take(message(1, TELEGRAM), message(1, elsewhere))
    await world.take(edit(1, "otra", after=1, reply_to=elsewhere))
    await world.take(edit(1, "del negocio", after=2, reply_to=business))
    assert (await world.row(Name.MESSAGES, message(1, TELEGRAM).id))["text"] == "pregunta 1"
    assert (await world.row(Name.MESSAGES, message(1, elsewhere).id))["text"] == "otra"


async def test_a_reaction_in_a_topic_finds_its_message_though_it_names_no_topic() -> None:
    """Telegram's updates on reactions have no thread, so their conversation is another."""
    topic = TELEGRAM.model_copy(update={"thread": "9"})
    said = message(1, topic, conversation="telegram:tg:4711:9")
    world = World()
    await world.take(said, reaction("1", "👍", after=1))
    (put,) = (await reactions(world, said.id)) or [{}]
    assert put["emoji"] == "👍"


async def test_an_id_of_whatsapp_means_the_message_whatever_the_customer_is_called() -> None:
    """The chat may change from the number to the user id; the id of a message does not."""
    renamed = WHATSAPP.model_copy(update={"chat": "AR.1349"})
    world = World()
    await world.take(message(1), reaction("1", "👍", after=1, reply_to=renamed))
    assert [one["emoji"] for one in await reactions(world, message(1).id)] == ["👍"]


async def reactions(world: World, row_id: UUID) -> list[dict[str, object]]:
    found = (await world.row(Name.MESSAGES, row_id)).get("reactions", [])
    assert isinstance(found, list)
    return found


async def test_of_each_person_the_latest_reaction_stays() -> None:
    """One that was taken away is there without an emoji, so that an older one does not return."""
    world = World()
    await world.take(message(1, TELEGRAM), reaction("1", "❤", after=3, by=BETO))
    await world.take(reaction("1", "👍", after=1), reaction("1", None, after=4))
    await world.take(reaction("1", "🔥", after=2))
    found = await reactions(world, message(1, TELEGRAM).id)
    assert [(one["user"], one["emoji"]) for one in found] == [
        ("telegram:tg:5491100000002", "❤"),
        ("telegram:tg:5491100000001", None),
    ]


@pytest.mark.parametrize("answer_first", [True, False])
async def test_a_reaction_to_our_answer_is_attached_to_it(answer_first: bool) -> None:
    """By the platform's id of the part that it was put to."""
    world = World()
    events: list[Event] = [answer(1), reaction("wamid.1", "🙏", after=1, reply_to=WHATSAPP)]
    await world.take(*(events if answer_first else reversed(events)))
    assert [one["emoji"] for one in await reactions(world, answer(1).id)] == ["🙏"]


async def test_versions_and_reactions_are_bounded() -> None:
    """Somebody who edits without end, or a group that reacts, can't fill the document."""
    world = World()
    await world.take(message(1, TELEGRAM))
    for number in range(1, VERSIONS + 5):
        await world.take(edit(1, f"texto {number}", after=number))
    for number in range(REACTIONS + 5):
        by = User(id=str(number))
        await world.take(reaction("1", "👍", after=100 + number, by=by))
    row = await world.row(Name.MESSAGES, message(1, TELEGRAM).id)
    versions = row["versions"]
    assert isinstance(versions, list)
    assert len(versions) == VERSIONS
    assert versions[-1]["text"] == row["text"] == f"texto {VERSIONS + 4}"
    assert len(await reactions(world, message(1, TELEGRAM).id)) == REACTIONS


async def test_an_edit_is_not_found_by_the_id_that_it_shares_with_its_message() -> None:
    """Telegram names the edit as it does the message; a reaction goes to the message."""
    world = World()
    changed = edit(1, "uno", after=1)
    await world.take(message(1, TELEGRAM), changed, reaction("1", "👍", after=2))
    assert "reactions" not in await world.row(Name.MESSAGES, changed.id)


async def test_a_part_of_ours_that_is_taken_back_is_written_down_and_the_text_stays() -> None:
    """It is our own text, and other parts of the answer may still be there."""
    world = World()
    await world.take(answer(1))
    gone = message(900, WHATSAPP, kind=MessageKind.REVOKE, text=None)
    await world.take(gone.model_copy(update={"context": Context(changes=("wamid.1",))}))
    row = await world.row(Name.MESSAGES, answer(1).id)
    assert (row["text"], row["revoked_keys"]) == ("respuesta a 1", ["wa:wamid.1"])
