"""What an event asks of the store, and what the story shows of an answer meanwhile."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import pytest

from recado.channels.errors import RetryLater
from recado.dispatcher.gathered import GatheredDocuments
from recado.dispatcher.ports import Change, Document, Name
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import Event
from recado.schemas.webhooks import DeliveryStatus
from recado_lanes import Transient
from support.dispatching import (
    DEADLINE,
    NOW,
    TELEGRAM,
    WHATSAPP,
    World,
    answer,
    handoff_requested,
    message,
    record,
    status,
)
from support.examples import WEBHOOK_RECEIVED
from support.memory_documents import MemoryDocuments

from .outcomes import reasons


class Counting(MemoryDocuments):
    """Counts requests as MongoDB gets them: a bulk is one for each collection."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = 0
        self._within = False

    async def insert(self, collection: Name, document: Document) -> bool:
        self.requests += 1
        return await super().insert(collection, document)

    async def read(self, collection: Name, document_id: str) -> Document | None:
        self.requests += not self._within
        return await super().read(collection, document_id)

    async def read_many(self, collection: Name, ids: Collection[str]) -> list[Document]:
        self.requests += 1
        self._within = True
        try:
            return await super().read_many(collection, ids)
        finally:
            self._within = False

    async def find(self, collection: Name, equal: Mapping[str, object]) -> Document | None:
        self.requests += 1
        return await super().find(collection, equal)

    async def find_all(
        self, collection: Name, field: str, values: Collection[str]
    ) -> list[Document]:
        self.requests += 1
        return await super().find_all(collection, field, values)

    async def select(
        self, collection: Name, where: Mapping[str, object], *, by: str, most: int
    ) -> list[Document]:
        self.requests += 1
        return await super().select(collection, where, by=by, most=most)

    async def update(self, change: Change) -> Document | None:
        self.requests += not self._within
        return await super().update(change)

    async def apply(self, changes: Sequence[Change]) -> Sequence[bool]:
        self.requests += len({change.collection for change in changes})
        self._within = True
        try:
            return await super().apply(changes)
        finally:
            self._within = False


@pytest.mark.parametrize(
    ("event", "requests"),
    [
        (answer(1, reply_to=TELEGRAM), 8),  # a look for reactions that came first, one for an order
        (answer(1), 9),  # to forget, and for reports
        (message(1), 4),  # and for its edits
        (status("wamid.1", DeliveryStatus.SENT, of=answer(1)), 2),
        (WEBHOOK_RECEIVED, 1),
    ],
    ids=["telegram", "whatsapp", "message", "report", "webhook"],
)
async def test_an_event_that_comes_alone_costs_so_many_requests(
    event: Event, requests: int
) -> None:
    """As docs/operators.md tells it."""
    documents = Counting()
    world = World(GatheredDocuments(documents))
    await world.take(event)
    assert documents.requests == requests


async def test_answers_that_come_at_once_share_their_requests() -> None:
    """Two hundred cost little more than one: everybody is at the same step."""
    documents = Counting()
    world = World(GatheredDocuments(documents))
    chats = [WHATSAPP.model_copy(update={"chat": str(10**9 + number)}) for number in range(200)]
    await asyncio.gather(*(world.handlers.handle(record(answer(1, reply_to=c))) for c in chats))
    assert len(world.published) == 200
    assert documents.requests < 40


async def test_an_answer_that_waits_is_in_the_story_before_its_outcome() -> None:
    """With the text that the ledger fixed; the outcome is added to it."""
    world = World()
    world.platforms.results = [RetryLater("busy")]
    with pytest.raises(Transient):
        await world.take(answer(1, text="primera"))
    row = await world.row(Name.MESSAGES, answer(1).id)
    assert row["text"] == "primera"
    assert "outcome" not in row
    assert (await world.conversation())["last_activity_at"] == answer(1).occurred_at
    world.restart()
    await world.take(answer(1, text="segunda", occurred_at=NOW), offset=9)
    row = await world.row(Name.MESSAGES, answer(1).id)
    assert (row["text"], row["outcome"], row["status"]) == ("primera", "delivered", "sent")
    assert (row["at"], row["offset"]) == (answer(1).occurred_at, 0)


async def test_an_answer_that_may_not_be_sent_gives_back_the_marks_of_its_messages() -> None:
    """They are put while it is found out who is in charge; nobody else finds them afterwards."""
    world = World()
    await world.take(message(1), handoff_requested(), answer(1))
    assert reasons(world) == [NotDeliveredReason.HANDOFF]
    assert "answered_by" not in await world.row(Name.MESSAGES, message(1).id)
    late = answer(1, 2, reply_to=TELEGRAM, deadline=NOW - DEADLINE)
    await world.take(late)
    assert reasons(world)[1:] == [NotDeliveredReason.EXPIRED]


async def test_an_answer_that_was_held_back_and_comes_again_marks_nothing() -> None:
    """Its outcome stands, whatever is found out anew."""
    world = World()
    await world.take(handoff_requested(), answer(1))
    world.restart()
    world.now += timedelta(seconds=5)
    await world.take(answer(1), offset=1)
    assert world.platforms.asked == []
    row = (await world.documents.read(Name.MESSAGES, str(message(1).id))) or {}
    assert "answered_by" not in row
    first, second = world.published
    assert first == second
