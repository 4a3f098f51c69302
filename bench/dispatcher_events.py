"""What the dispatcher benchmark has delivered and recorded; every customer writes once."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from recado.devstack.stack.integrations import TELEGRAM_NAME, WHATSAPP_NAME
from recado.dispatcher import callback
from recado.schemas import ids
from recado.schemas.answers import Rung, Timings
from recado.schemas.base import Platform
from recado.schemas.conversations import Recipient, ReplyTo, User
from recado.schemas.events import AnswerGenerated, MessageReceived, StatusReported, WebhookReceived
from recado.schemas.webhooks import DeliveryStatus, MessageKind, WebhookOutcome

FIRST_CHAT: Final = 5_000_000_000
TEXT: Final = (
    "Puedes reiniciar el router desde la aplicación o desenchufarlo treinta segundos [1]. "
    "Si la luz sigue roja, escríbenos y lo mira una persona. "
)


def reply_to(number: int) -> ReplyTo:
    """Where the customer of that number is: on WhatsApp if it is even, else on Telegram."""
    chat = str(FIRST_CHAT + number)
    if number % 2:
        return ReplyTo(
            platform=Platform.TELEGRAM,
            integration=TELEGRAM_NAME,
            chat=chat,
            recipient=Recipient.CHAT,
        )
    return ReplyTo(
        platform=Platform.WHATSAPP,
        integration=WHATSAPP_NAME,
        chat=chat,
        recipient=Recipient.PHONE,
    )


def customer(number: int) -> dict[str, object]:
    """As the stand-ins are told of them."""
    chat = FIRST_CHAT + number
    if number % 2:
        return {"platform": "telegram", "chat": chat}
    return {"platform": "whatsapp", "number": str(chat), "window_stays_open": True}


def message(number: int) -> MessageReceived:
    """The customer's only message."""
    address, now = reply_to(number), datetime.now(UTC)
    return MessageReceived(
        id=_message_id(number),
        occurred_at=now,
        sent_at=now,
        conversation=_conversation(address),
        reply_to=address,
        user=User(id=address.chat, name="Ana"),
        platform_message_id=str(number),
        kind=MessageKind.TEXT,
        platform_kind="text",
        text="¿Por qué mi internet está lento?",
        webhook_id=UUID(int=number),
    )


def answer(number: int) -> AnswerGenerated:
    """The answer to it."""
    address, now = reply_to(number), datetime.now(UTC)
    covered = (_message_id(number),)
    return AnswerGenerated(
        id=ids.answer_id(covered),
        occurred_at=now,
        conversation=_conversation(address),
        reply_to=address,
        message_ids=covered,
        text=TEXT,
        rung=Rung.GROUNDED,
        timings=Timings(total=timedelta(seconds=1)),
        received_at=now,
        deadline=now + timedelta(minutes=15),
    )


def report(number: int, status: DeliveryStatus) -> StatusReported:
    """The platform's report on the answer, with the callback data that was sent along."""
    address, now = reply_to(number), datetime.now(UTC)
    conversation, name = _conversation(address), f"wamid.{number}"
    return StatusReported(
        id=ids.status_id(address.integration, name, status.value, now),
        occurred_at=now,
        reported_at=now,
        conversation=conversation,
        integration=address.integration,
        platform_message_id=name,
        status=status,
        callback_data=callback.write(answer(number).id, 0, conversation),
        webhook_id=UUID(int=number),
    )


def webhook(number: int) -> WebhookReceived:
    """The record of a post of the platform."""
    address = reply_to(number)
    payload = "x" * 700
    return WebhookReceived(
        id=UUID(int=FIRST_CHAT + number),
        occurred_at=datetime.now(UTC),
        platform=address.platform,
        integration=address.integration,
        event_type="message",
        outcome=WebhookOutcome.ACCEPTED,
        status=200,
        payload=payload,
        payload_bytes=len(payload),
        payload_sha256="0" * 64,
    )


def _message_id(number: int) -> UUID:
    address = reply_to(number)
    return ids.message_id(address.integration, "message", address.chat, str(number))


def _conversation(address: ReplyTo) -> str:
    return ids.conversation_key(address.platform, address.integration, address.chat)
