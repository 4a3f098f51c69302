"""A customer who is forgotten: nothing of them stays, and nothing brings it back."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import pytest

from recado.channels.errors import Refused, RetryLater
from recado.dispatcher.erasing import FORGOTTEN
from recado.dispatcher.ports import Name
from recado.schemas.content import Change as SystemChangeKind
from recado.schemas.content import Content, SystemChange
from recado.schemas.context import Context, Quoted
from recado.schemas.conversations import ReplyTo, User
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import CustomerForgotten, Event
from recado.schemas.webhooks import DeliveryStatus, MessageKind, PlatformError
from recado_lanes import Transient
from support.amendments import edit, reaction
from support.dispatching import (
    NOW,
    TELEGRAM,
    WHATSAPP,
    World,
    answer,
    conversation_of,
    handoff_requested,
    message,
    operator_reply,
    status,
    turns,
)
from support.examples import WEBHOOK_RECEIVED
from support.memory_documents import MemoryDocuments

GROUP = TELEGRAM.model_copy(update={"chat": "-100500"})
BETO = User(id="777", name="Beto")
MOVED = TELEGRAM.model_copy(update={"chat": "-100900"})
LATER = NOW + timedelta(minutes=2)


def forgotten(reply_to: ReplyTo = WHATSAPP, *, whole: bool = True, user: str = "") -> Event:
    """The order to forget whoever writes there."""
    return CustomerForgotten(
        id=UUID(int=5000),
        occurred_at=NOW,
        conversation=conversation_of(reply_to),
        users=(f"{reply_to.platform}:{reply_to.integration}:{user or reply_to.chat}",),
        whole=whole,
        webhook_ids=(WEBHOOK_RECEIVED.id,),
    )


STORY: tuple[Event, ...] = (
    WEBHOOK_RECEIVED.model_copy(update={"payload": "pregunta 1 de Ana, 5491100000001"}),
    message(1),
    answer(1),
    status("wamid.1", DeliveryStatus.READ, of=answer(1)),
    status("unknown", DeliveryStatus.SENT),
    message(2),
    edit(2, "pregunta 2 corregida", after=3, reply_to=WHATSAPP),
    operator_reply(),
)
PERSONAL = ("pregunta", "respuesta", "Marta", "Ana", "5491100000001", "wamid.", "unknown")

ZOE = User(id="500123", name="Zoe")
IN_GROUP: tuple[Event, ...] = (
    message(1, GROUP, user=BETO),
    answer(1, reply_to=GROUP),
    message(2, GROUP, user=ZOE, text="secreto"),
    answer(2, reply_to=GROUP, text="sobre tu secreto"),
    message(
        3,
        GROUP,
        user=BETO,
        quoted_message_id="2",
        context=Context(quoted=Quoted(message_id="2", user_id=ZOE.id, text="secreto")),
    ),
    reaction("1", "👍", after=4, by=ZOE, reply_to=GROUP),
    reaction("1", "🎉", after=5, by=BETO, reply_to=GROUP),
)
THEIRS = ("secreto", "Zoe", "500123")


def stored(world: World) -> str:
    assert isinstance(world.documents, MemoryDocuments)
    return repr(dict(world.documents.rows))


async def test_nothing_of_what_was_said_and_by_whom_is_left() -> None:
    world = World()
    await world.take(*STORY)
    assert all(one in stored(world) for one in PERSONAL)
    await world.take(forgotten(), offset=len(STORY))
    left = stored(world)
    assert [one for one in PERSONAL if one in left] == []
    assert FORGOTTEN in left


async def test_what_comes_again_brings_nothing_back_and_is_not_sent_again() -> None:
    """Offsets that were not committed: all of it is handled once more, on a new process too."""
    world = World()
    await world.take(*STORY, forgotten())
    before, sent, published = stored(world), world.platforms.arrived[:], world.published[:]
    world.restart()
    await world.take(*STORY, forgotten())
    assert stored(world) == before
    assert (world.platforms.arrived, world.published) == (sent, published)


async def test_an_answer_that_was_made_after_the_order_was_given_goes_as_well() -> None:
    """The order waited for MongoDB; the answer was on its way."""
    world = World()
    await world.take(message(1), answer(1, occurred_at=NOW + timedelta(seconds=2)))
    await world.take(forgotten(), offset=1)
    left = stored(world)
    assert [one for one in PERSONAL if one in left] == []


async def test_what_they_wrote_before_a_group_moved_is_not_in_the_new_one() -> None:
    world = World()
    moves = Content(system=SystemChange(change=SystemChangeKind.CHAT_MOVED, new=MOVED.chat))
    went = message(90, GROUP, user=BETO, kind=MessageKind.SYSTEM, text=None, content=moves)
    await world.take(*IN_GROUP, went)
    assert "secreto" in repr(await world.conversation(MOVED))
    await world.take(forgotten(GROUP, whole=False, user=ZOE.id), offset=20, at=LATER)
    assert [one for one in THEIRS if one in stored(world)] == []
    assert [turn["text"] for turn in turns(await world.conversation(MOVED))] == [
        "pregunta 1",
        "pregunta 3",
        "respuesta a 1",
    ]


async def test_what_a_person_began_after_the_order_stays_when_it_comes_again() -> None:
    """Who is in charge, and what they wrote: the customer has said nothing yet."""
    world = World()
    later = NOW + timedelta(seconds=1)
    await world.take(message(1), forgotten())
    await world.take(handoff_requested().model_copy(update={"occurred_at": later}), offset=5)
    wrote = operator_reply(2).model_copy(update={"occurred_at": later})
    await world.take(wrote, offset=6, at=later)
    await world.take(status("foreign", DeliveryStatus.SENT, at=LATER), offset=7)
    before = await world.conversation()
    await world.take(forgotten(), offset=1)
    assert await world.conversation() == before
    assert before["handoff"] is not None
    assert "foreign" in stored(world)


@pytest.mark.parametrize("skew", [timedelta(milliseconds=-50), timedelta(seconds=1)])
async def test_what_is_newer_is_told_by_offsets_and_not_by_clocks(skew: timedelta) -> None:
    """Ingress and the broker have each their own."""
    world = World()
    await world.take(message(1, occurred_at=NOW + skew), forgotten())
    assert [one for one in PERSONAL if one in stored(world)] == []
    again = message(2, occurred_at=NOW + skew)
    await world.take(again, offset=2)
    before = stored(world)
    await world.take(forgotten(), offset=1)
    assert stored(world) == before
    assert "pregunta 2" in before


async def test_the_platforms_words_of_a_refusal_and_bare_marks_go_as_well() -> None:
    world = World()
    said = PlatformError(code=131026, title="5491100000001 can't be reached")
    world.platforms.results = [Refused(NotDeliveredReason.REFUSED, said)]
    await world.take(message(1), answer(1), handoff_requested())
    await world.take(answer(7), forgotten(), offset=3)
    left = stored(world)
    assert [one for one in PERSONAL if one in left] == []


async def test_a_report_on_what_is_forgotten_leaves_nothing() -> None:
    """A report began the row before, or comes for the first time after it."""
    world = World()
    await world.take(status("wamid.7", DeliveryStatus.SENT, of=answer(7)), forgotten())
    assert [one for one in PERSONAL if one in stored(world)] == []


async def test_a_webhook_that_is_recorded_after_the_order_has_no_payload() -> None:
    """Its topic lags behind, or a rebuild reads it at another time."""
    world = World()
    await world.take(message(1), forgotten())
    await world.take(WEBHOOK_RECEIVED.model_copy(update={"payload": "pregunta 1 de Ana"}))
    assert (await world.row(Name.WEBHOOKS, WEBHOOK_RECEIVED.id))["payload"] == ""
    assert "pregunta" not in stored(world)


LATE: Mapping[str, Mapping[str, object]] = {
    "expired": {"deadline": NOW - timedelta(minutes=1)},
    "no integration": {},
    "handed off": {},
}


@pytest.mark.parametrize("case", LATE)
async def test_an_answer_to_what_is_forgotten_is_nowhere_whatever_else_is_in_its_way(
    case: str,
) -> None:
    world = World()
    await world.take(message(1), forgotten())
    if case == "handed off":
        await world.take(handoff_requested(), offset=5)
    if case == "no integration":
        world.platforms.known = False
    await world.take(answer(1).model_copy(update=dict(LATE[case])), offset=9)
    left = stored(world)
    assert [one for one in ("pregunta", "respuesta", "Ana", "wamid.") if one in left] == []
    assert (world.platforms.asked, world.published) == ([], [])


async def test_an_answer_to_somebody_else_as_well_is_not_sent_either() -> None:
    """The words of the forgotten may be in it. The other's message is free for another answer."""
    world = World()
    await world.take(*IN_GROUP[:3])
    await world.take(forgotten(GROUP, whole=False, user=ZOE.id), offset=3)
    await world.take(message(4, GROUP, user=BETO), offset=4)
    await world.take(answer(2, 4, reply_to=GROUP, text="sobre tu secreto"))
    assert world.platforms.arrived == ["respuesta a 1"]
    assert "secreto" not in stored(world)
    assert "answered_by" not in await world.row(Name.MESSAGES, message(4, GROUP).id)


async def test_what_an_operator_wrote_before_the_order_is_not_sent() -> None:
    """What they write after it is."""
    world = World()
    await world.take(message(1), forgotten())
    await world.take(operator_reply(), at=NOW - timedelta(seconds=1))
    assert (world.platforms.asked, world.published) == ([], [])
    assert [one for one in PERSONAL if one in stored(world)] == []
    await world.take(operator_reply(2), at=NOW + timedelta(seconds=1))
    assert len(world.published) == 1


async def test_a_late_report_brings_no_id_of_the_platform_back() -> None:
    """WhatsApp's message ids tell the customer's number."""
    world = World()
    await world.take(*STORY, forgotten())
    await world.take(status("wamid.late", DeliveryStatus.READ, of=answer(1)))
    assert "wamid.late" not in stored(world)


async def test_an_answer_to_what_is_forgotten_is_not_sent() -> None:
    """Neither one that waited, nor one that comes later; and nobody is told of it."""
    world = World()
    world.platforms.results = [RetryLater("busy")]
    await world.take(message(1), message(2))
    with pytest.raises(Transient):
        await world.take(answer(1))
    await world.take(forgotten(), answer(1), answer(2), offset=5)
    assert (world.platforms.arrived, world.published) == ([], [])
    left = stored(world)
    assert [one for one in PERSONAL if one in left] == []


async def test_what_they_write_afterwards_is_a_new_conversation_and_stays_one() -> None:
    """Also where the order to forget comes again after it: its offset was not committed."""
    world = World()
    later = message(9, occurred_at=NOW + timedelta(seconds=1))
    new = answer(9, occurred_at=NOW + timedelta(seconds=2), received_at=later.occurred_at)
    await world.take(*STORY, forgotten(), later, new)
    world.restart()
    await world.take(forgotten(), offset=len(STORY))
    conversation = await world.conversation()
    assert conversation["opened_at"] == later.occurred_at
    assert len(conversation["recent"]) == 2  # type: ignore[arg-type]  # a list
    assert world.platforms.arrived[-1] == "respuesta a 9"


async def test_in_a_group_what_others_wrote_stays() -> None:
    """And what answers them, though the forgotten one wrote in between."""
    world = World()
    await world.take(*IN_GROUP)
    await world.take(forgotten(GROUP, whole=False, user=ZOE.id), offset=len(IN_GROUP), at=LATER)
    left = stored(world)
    assert [one for one in THEIRS if one in left] == []
    conversation = await world.conversation(GROUP)
    recent = conversation["recent"]
    assert isinstance(recent, list)
    assert [turn["text"] for turn in recent] == ["pregunta 1", "pregunta 3", "respuesta a 1"]
    reactions = (await world.row(Name.MESSAGES, message(1, GROUP).id))["reactions"]
    assert isinstance(reactions, list)
    assert [one["emoji"] for one in reactions] == ["🎉"]
    assert await world.row(Name.USERS, "telegram:tg:777")
    world.restart()
    await world.take(answer(1, reply_to=GROUP), answer(2, reply_to=GROUP, text="sobre tu secreto"))
    assert world.platforms.arrived == ["respuesta a 1", "sobre tu secreto"]
    assert "secreto" not in stored(world)
