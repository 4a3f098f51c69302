"""A customer who is forgotten: nothing of them stays, and nothing brings it back."""

from datetime import timedelta
from uuid import UUID

import pytest

from recado.channels.errors import RetryLater
from recado.dispatcher.forgetting import FORGOTTEN
from recado.dispatcher.ports import Name
from recado.schemas.conversations import ReplyTo, User
from recado.schemas.events import CustomerForgotten, Event
from recado.schemas.webhooks import DeliveryStatus
from recado_lanes import Transient
from support.amendments import edit
from support.dispatching import (
    NOW,
    TELEGRAM,
    WHATSAPP,
    World,
    answer,
    conversation_of,
    message,
    operator_reply,
    status,
)
from support.examples import WEBHOOK_RECEIVED
from support.memory_documents import MemoryDocuments

GROUP = TELEGRAM.model_copy(update={"chat": "-100500"})
BETO = User(id="777", name="Beto")


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
PERSONAL = ("pregunta", "respuesta", "Marta", "Ana", "5491100000001")


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
    await world.take(*(one for one in STORY if one.type != "status.reported"), forgotten())
    assert stored(world) == before
    assert (world.platforms.arrived, world.published) == (sent, published)


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
    await world.take(
        message(1, GROUP, user=BETO),
        answer(1, reply_to=GROUP),
        message(2, GROUP, user=User(id="5", name="Zoe"), text="secreto"),
        answer(2, reply_to=GROUP, text="sobre tu secreto"),
        forgotten(GROUP, whole=False, user="5"),
    )
    assert "secreto" not in stored(world)
    assert "Zoe" not in stored(world)
    conversation = await world.conversation(GROUP)
    recent = conversation["recent"]
    assert isinstance(recent, list)
    assert [turn["text"] for turn in recent] == ["pregunta 1", "respuesta a 1"]
    assert await world.row(Name.USERS, "telegram:tg:777")
    world.restart()
    await world.take(answer(1, reply_to=GROUP), answer(2, reply_to=GROUP, text="sobre tu secreto"))
    assert world.platforms.arrived == ["respuesta a 1", "sobre tu secreto"]
    assert "secreto" not in stored(world)
