"""Read marks, typing, callback answers and templates against the platforms' stand-ins."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from pydantic import JsonValue

from recado.channels.contract import Attentive
from recado.channels.errors import Refused
from recado.schemas.base import Platform
from recado.schemas.conversations import Recipient, User
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import MessageReceived
from recado.schemas.webhooks import MessageKind

from .test_sending_to_standins import CHATS, http, integration, reply_to, sender

__all__ = ["http"]

NUMBER = "51900111222"
LONG_AGO = datetime.now(UTC) - timedelta(hours=25)


def message(where: str, platform_message_id: str, kind: MessageKind) -> MessageReceived:
    chat, recipient, platform, thread = CHATS[where]
    return MessageReceived(
        id=UUID(int=1),
        occurred_at=datetime.now(UTC),
        sent_at=None,
        conversation="c",
        reply_to=reply_to(platform, chat, recipient, thread),
        user=User(id=chat),
        platform_message_id=platform_message_id,
        kind=kind,
        platform_kind=kind.value,
        text="Hola",
        webhook_id=UUID(int=2),
    )


async def requests(http: httpx.AsyncClient) -> list[tuple[str, str, object]]:
    found = (await http.get("/control/requests")).json()["requests"]
    return [(one["operation"], one["outcome"], one["body"]) for one in found]


async def test_a_message_is_marked_as_read_with_typing_in_one_request(
    http: httpx.AsyncClient,
) -> None:
    whatsapp = sender(Platform.WHATSAPP, http)
    assert isinstance(whatsapp, Attentive)
    received = message("user id", "wamid.IN", MessageKind.TEXT)
    await whatsapp.attend(received)
    await whatsapp.acknowledge(received)
    ((operation, outcome, body),) = await requests(http)
    assert (operation, outcome) == ("read", "accepted")
    assert body == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.IN",
        "typing_indicator": {"type": "text"},
    }


async def test_a_button_is_acknowledged_and_typing_goes_to_its_thread(
    http: httpx.AsyncClient,
) -> None:
    telegram = sender(Platform.TELEGRAM, http)
    assert isinstance(telegram, Attentive)
    pressed = message("thread", "4382009120094", MessageKind.CALLBACK)
    await telegram.acknowledge(pressed)
    await telegram.attend(pressed)
    acknowledged, typing = await requests(http)
    pressed_id = {"callback_query_id": "4382009120094"}
    assert acknowledged == ("answerCallbackQuery", "accepted", pressed_id)
    shown = {"chat_id": 55, "message_thread_id": 7, "action": "typing"}
    assert typing == ("sendChatAction", "accepted", shown)


@pytest.mark.parametrize("carries_text", [True, False])
async def test_outside_the_window_whatsapp_takes_the_template_and_nothing_else(
    http: httpx.AsyncClient, carries_text: bool
) -> None:
    customer = {"platform": "whatsapp", "number": NUMBER, "last_message_at": LONG_AGO.isoformat()}
    (await http.post("/control/customers", json=customer)).raise_for_status()
    template: dict[str, JsonValue] = {
        "name": "respuesta",
        "language": "es",
        "carries_text": carries_text,
    }
    account = integration(Platform.WHATSAPP, outside_window=template)
    whatsapp = sender(Platform.WHATSAPP, http, outside_window=template)
    to = reply_to(Platform.WHATSAPP, NUMBER, Recipient.PHONE)
    text = "Dos líneas\n\ny\tuna lista:\n\n- a\n- b" + " más" * 500
    for part in account.format_outside_window(text):
        await whatsapp.send(to, part, callback_data="a:0")
    seen = (await http.get("/control/messages")).json()["messages"]
    assert {one["template"] for one in seen} == {"respuesta"}
    assert (" ".join(one["text"] for one in seen).count("más")) == (500 if carries_text else 0)
    with pytest.raises(Refused) as refused:
        await whatsapp.send(to, part.model_copy(update={"template": None}), callback_data="a:1")
    assert refused.value.reason is NotDeliveredReason.WINDOW_CLOSED
