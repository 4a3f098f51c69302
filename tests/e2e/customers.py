"""Customers who write through ingress, and wait until all they wrote is answered."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
import yaml

from recado.devstack.sample import QUESTIONS
from recado.devstack.stack.integrations import (
    TELEGRAM_SECRET_TOKEN,
    WHATSAPP_APP_SECRET,
    WHATSAPP_PHONE_NUMBER_ID,
)
from recado.devstack.webhooks import WebhookPost, WhatsAppText, telegram_post, whatsapp_post
from recado.schemas import ids, topics
from recado.schemas.events import AnswerDelivered
from support.world import World, eventually

BETWEEN = (
    "/start",
    "¿Y si por cable también va mal?",
    "Gracias",
    "¿Quién ganó el mundial de 1986?",
    "/reset",
    "Hola",
    "/ayuda",
)
"""Written between the sample's questions: commands, courtesies, a follow-up, what nobody knows."""


@dataclass(frozen=True)
class Said:
    """What customers wrote, and the webhooks that bring it."""

    messages: tuple[UUID, ...]
    posts: tuple[WebhookPost, ...]


def on_whatsapp(customer: int, *texts: str) -> Said:
    """All in one webhook: what comes together is answered together, except for commands."""
    written = [WhatsAppText(f"3460{customer}", text) for text in texts]
    post = whatsapp_post(
        [written], phone_number_id=WHATSAPP_PHONE_NUMBER_ID, app_secret=WHATSAPP_APP_SECRET
    )
    return Said(
        tuple(ids.message_id("whatsapp-demo", "message", one.sender, one.id) for one in written),
        (post,),
    )


def on_telegram(customer: int, *texts: str) -> Said:
    """Each in a webhook of its own."""
    numbers = range(1, len(texts) + 1)
    posts = tuple(
        telegram_post(customer, text, secret_token=TELEGRAM_SECRET_TOKEN, message_id=number)
        for number, text in zip(numbers, texts, strict=True)
    )
    return Said(
        tuple(ids.message_id("telegram-demo", "message", str(customer), str(n)) for n in numbers),
        posts,
    )


def written(number: int) -> str:
    """What is written in the message with this number."""
    questions = [one["question"] for one in yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))]
    if number % 3 == 2:
        return BETWEEN[number // 3 % len(BETWEEN)]
    return str(questions[(number - number // 3) % len(questions)])


async def say(world: World, *said: Said) -> None:
    """Through ingress; return when all of it has an answer that was delivered."""
    wanted = {message for one in said for message in one.messages}
    async with httpx.AsyncClient(timeout=20) as http:
        for one in said:
            for post in one.posts:
                assert (await world.post(http, post)).status_code == 200

    async def all_delivered() -> bool:
        outcomes = await world.events(topics.DELIVERIES, AnswerDelivered)
        return wanted <= {message for outcome in outcomes for message in outcome.message_ids}

    count = len(wanted)
    await eventually(
        all_delivered, f"{count} answers", within=timedelta(minutes=4), every=1 + count / 100
    )
    await world.settle()
