"""An order to forget that breaks off, or comes between any two requests of something else."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial

import pytest

from recado.channels.errors import ChatMoved
from recado.dispatcher.ports import Change, Document, Name
from recado.schemas.events import Event
from recado.schemas.webhooks import DeliveryStatus
from recado_lanes import Unavailable
from support.amendments import reaction
from support.dispatching import NOW, World, answer, message, status
from support.memory_documents import MemoryDocuments

from .outcomes import LONG
from .test_forgetting import (
    BETO,
    GROUP,
    IN_GROUP,
    LATER,
    MOVED,
    PERSONAL,
    STORY,
    THEIRS,
    ZOE,
    forgotten,
    stored,
)


class Interrupted(MemoryDocuments):
    """Between the requests of whoever uses it something else happens once, before the `at`th."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self.at = 0

    async def read(self, collection: Name, document_id: str) -> Document | None:
        await self._turn()
        return await super().read(collection, document_id)

    async def find_all(
        self, collection: Name, field: str, values: Collection[str]
    ) -> list[Document]:
        await self._turn()
        return await super().find_all(collection, field, values)

    async def delete(self, collection: Name, document_id: str, guard: Mapping[str, object]) -> None:
        await self._turn()
        await super().delete(collection, document_id, guard)

    async def update(self, change: Change) -> Document | None:
        await self._turn()
        return await super().update(change)

    async def _turn(self) -> None:
        self.at -= 1
        if self.at < 0 and self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            await happens()


@pytest.mark.parametrize("whole", [True, False])
async def test_an_order_that_breaks_off_anywhere_is_carried_out_when_it_comes_again(
    whole: bool,
) -> None:
    story, order, words = (
        (STORY, forgotten(), PERSONAL)
        if whole
        else (IN_GROUP, forgotten(GROUP, whole=False, user=ZOE.id), THEIRS)
    )
    changes = 0
    for broken_off in range(1000):
        world = World(documents := MemoryDocuments())
        await world.take(*story)
        left = iter(range(broken_off))
        documents.goes_away_before = partial(_is_used_up, left)
        try:
            await world.take(order, offset=len(story), at=LATER)
        except Unavailable:
            changes += 1
        else:
            break
        documents.away, documents.goes_away_before = False, lambda _change: False
        world.restart()
        await world.take(order, offset=len(story), at=LATER)
        kept = stored(world)
        assert [one for one in words if one in kept] == [], broken_off
    assert changes > 10


def _is_used_up(left: Iterator[int], _change: Change) -> bool:
    return next(left, None) is None


async def test_an_order_that_comes_while_an_answer_is_under_way_leaves_nothing_of_it() -> None:
    """Wherever it is: not begun, being sent, sent and not yet written down."""
    for before in range(1000):
        world = World(documents := Interrupted())
        await world.take(message(1), answer(1), message(2))
        documents.at = before
        documents.meanwhile = partial(world.take, forgotten(), offset=3)
        await world.take(answer(2, text="respuesta a 2", occurred_at=LATER))
        if documents.at >= 0:
            break
        await world.take(status("wamid.2", DeliveryStatus.READ, of=answer(2)))
        left = stored(world)
        assert [one for one in PERSONAL if one in left] == [], before
        world.restart()
        await world.take(answer(2))
        assert len(world.platforms.arrived) <= 2
        assert stored(world) == left, before
    assert before > 5


async def _around(
    happens: Event, order: Event, *before: Event, words: Sequence[str], moves: bool = False
) -> None:
    """The order between any two requests of what happens leaves none of the words."""
    for number in range(1000):
        world = World(documents := Interrupted())
        world.platforms.results = [ChatMoved(MOVED.chat)] if moves else []
        for event in before:
            await world.take(event, offset=before.index(event))
        documents.at = number
        documents.meanwhile = partial(world.take, order, offset=len(before), at=LATER)
        await world.take(happens)
        if documents.at >= 0:
            break
        left = stored(world)
        assert [one for one in words if one in left] == [], number
    assert number > 2


async def test_an_order_around_a_report_leaves_nothing_of_it() -> None:
    await _around(status("wamid.9", DeliveryStatus.READ), forgotten(), message(1), words=PERSONAL)


async def test_an_order_around_an_answer_that_is_driven_again_leaves_nothing_of_it() -> None:
    expired = answer(1, deadline=NOW - timedelta(minutes=1))
    await _around(answer(1), forgotten(), message(1), expired, words=PERSONAL)


async def test_an_order_around_an_answer_to_others_leaves_nothing_of_the_forgotten() -> None:
    """A reaction of theirs, which came first, is not put to it."""
    early = reaction("wamid.1", "👍", after=1, by=ZOE, reply_to=GROUP)
    order = forgotten(GROUP, whole=False, user=ZOE.id)
    to_beto = answer(1, reply_to=GROUP)
    await _around(to_beto, order, message(1, GROUP, user=BETO), early, words=THEIRS)


@pytest.mark.parametrize("whole", [True, False])
async def test_an_order_around_an_answer_that_moves_leaves_nothing_of_it(whole: bool) -> None:
    order = forgotten(GROUP, whole=whole, user=ZOE.id)
    secret = message(1, GROUP, user=ZOE, text="secreto")
    says = answer(1, reply_to=GROUP, text="sobre tu secreto")
    await _around(says, order, secret, words=THEIRS, moves=True)


async def test_an_order_that_comes_while_the_platform_takes_its_time_leaves_nothing() -> None:
    """Also of an answer in several parts, of which the rest is not sent."""
    world = World()
    world.platforms.before_answering = partial(world.take, forgotten(), offset=3)
    await world.take(message(1), answer(1, text=LONG))
    left = stored(world)
    assert [one for one in ("aaa", "bbb", *PERSONAL) if one in left] == []
    assert (len(world.platforms.asked), world.published) == (1, [])
