"""A whole conversation gives the same documents in the fake and in MongoDB."""

from datetime import timedelta

import pytest

from recado.dispatcher.ports import Documents, Name
from recado.schemas.content import Change
from recado.schemas.webhooks import DeliveryStatus
from support.amendments import STORY as AMENDED
from support.dispatching import (
    NOW,
    TELEGRAM,
    World,
    answer,
    conversation_of,
    handoff_released,
    handoff_requested,
    message,
    operator_reply,
    status,
)
from support.memory_documents import MemoryDocuments
from unit.dispatcher.test_forgetting import GROUP, IN_GROUP, LATER, ZOE, forgotten
from unit.dispatcher.test_forgetting import STORY as FORGETTING
from unit.dispatcher.test_refusals import told

STORY = (
    status("early", DeliveryStatus.SENT),
    answer(1, introduces=True),
    message(1),
    message(2),
    answer(1, 2),
    answer(2),
    handoff_requested(),
    answer(3),
    operator_reply(),
    handoff_released(),
    handoff_requested(),
    status("wamid.1", DeliveryStatus.READ, of=answer(1)),
    status("wamid.1", DeliveryStatus.DELIVERED),
    message(2, occurred_at=NOW),
)


@pytest.fixture(autouse=True)
async def prepared(documents: Documents) -> None:
    """With validators: MongoDB takes all that is written here."""
    await documents.prepare()


async def test_what_is_changed_taken_back_and_reacted_to_is_so_in_any_store(
    documents: Documents,
) -> None:
    """In the order of the events, and once more from the end: MongoDB says the same as the fake."""
    fake, real = World(MemoryDocuments()), World(documents)
    assert isinstance(fake.documents, MemoryDocuments)
    for world in (fake, real):
        await world.take(*AMENDED)
        await world.take(*AMENDED[::-1])
    for collection in (Name.MESSAGES, Name.CONVERSATIONS, Name.USERS):
        for row_id, row in fake.documents.rows[collection].items():
            assert await documents.read(collection, row_id) == row, (collection, row_id)
    changed = await real.row(Name.MESSAGES, message(1, TELEGRAM).id)
    assert changed["text"] == "dos"


async def test_a_conversation_goes_on_in_another_chat_alike(documents: Documents) -> None:
    """With all that holds in it, in the order of the events and once more from the end."""
    moved = TELEGRAM.model_copy(update={"chat": "-100200"})
    leaves = answer(1, reply_to=TELEGRAM, introduces=True, opts_out=True, resets_history=True)
    went = told(3, Change.CHAT_MOVED, new=moved.chat)
    events = (message(1, TELEGRAM), leaves, handoff_requested(TELEGRAM), went, message(4, moved))
    fake, real = World(MemoryDocuments()), World(documents)
    for world in (fake, real):
        await world.take(*events)
        await world.take(*events[::-1], offset=9)
    for reply_to in (TELEGRAM, moved):
        assert await real.conversation(reply_to) == await fake.conversation(reply_to)


async def test_a_customer_is_forgotten_alike(documents: Documents) -> None:
    """With validators that take what is left, and with all of it done twice."""
    fake, real = World(MemoryDocuments()), World(documents)
    assert isinstance(fake.documents, MemoryDocuments)
    for world in (fake, real):
        for again in range(2):
            await world.take(*FORGETTING, forgotten(), offset=10 * again)
            world.restart()
            await world.take(*IN_GROUP, at=NOW, offset=10 * again)
            order = forgotten(GROUP, whole=False, user=ZOE.id)
            await world.take(order, at=LATER, offset=10 * again + len(IN_GROUP))
            world.restart()
    for collection in Name:
        for row_id, row in fake.documents.rows[collection].items():
            told = await documents.read(collection, row_id)
            assert told is not None
            assert {**told, "expires_at": 0} == {**row, "expires_at": 0}, (collection, row_id)
    assert await documents.read(Name.USERS, "whatsapp:wa:5491100000001") is None
    assert await documents.read(Name.CONVERSATIONS, conversation_of(message(1).reply_to)) is None


async def test_a_story_is_told_alike_and_telling_it_twice_changes_nothing(
    documents: Documents,
) -> None:
    """Every update means in MongoDB what the unit tests take it for."""
    fake, real = World(MemoryDocuments()), World(documents)
    for world in (fake, real):
        await world.take(*STORY)
        world.restart()
        await world.take(*STORY)
        world.now += timedelta(seconds=1)
    rows = {
        Name.MESSAGES: [str(one.id) for one in (message(1), message(2), message(3))]
        + [str(one.id) for one in (answer(1), answer(1, 2), answer(2), answer(3))]
        + [str(operator_reply().id)],
        Name.CONVERSATIONS: [conversation_of(message(1).reply_to)],
        Name.USERS: ["whatsapp:wa:5491100000001"],
        Name.STATUSES: ["wa:early", "wa:wamid.1"],
        Name.DELIVERIES: [str(answer(1).id), str(answer(3).id)],
    }
    for collection, ids in rows.items():
        for row_id in ids:
            told = await documents.read(collection, row_id)
            assert told == await fake.documents.read(collection, row_id), (collection, row_id)
            assert told is not None or row_id == str(message(3).id)
    assert real.platforms.arrived == fake.platforms.arrived
    assert real.published == fake.published
