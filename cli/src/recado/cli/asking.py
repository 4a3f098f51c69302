"""Ask as a customer does: a signed webhook in, and the reply that the platform's stand-in got.

The path is the real one. What happened on the way is read from the topics: the answer with what
it was made from, and the delivery.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID

import httpx
from aiokafka import AIOKafkaConsumer
from pydantic import JsonValue

from recado.channels.contract import Integration
from recado.channels.registry import CHANNELS
from recado.channels.telegram.settings import TelegramIntegration
from recado.channels.whatsapp.settings import WhatsAppIntegration
from recado.cli.integrations import choose, load
from recado.cli.output import CliError
from recado.cli.records import POLL, reader
from recado.cli.settings import CliSettings
from recado.cli.standins import MOST_QUOTED, StandIns
from recado.devstack.webhooks import WebhookPost, WhatsAppText, telegram_post, whatsapp_post
from recado.schemas import ids, topics
from recado.schemas.base import Platform
from recado.schemas.encoding import EncodingError, decode
from recado.schemas.events import AnswerDelivered, AnswerGenerated, AnswerNotDelivered

DEMO_CUSTOMERS = {Platform.WHATSAPP: "1234567890", Platform.TELEGRAM: "123456"}
HTTP_TIMEOUT = timedelta(seconds=20)
WRONG_USE = 2
"""Exit status for what can't be asked at all."""
CHAT = re.compile(r"-?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reply:
    """A question, and all that is known of its answer. Times count from the webhook's sending."""

    question: str
    platform: Platform
    customer: str
    conversation: str
    texts: tuple[str, ...]
    """What the platform's stand-in received for the customer, part by part."""
    answer: AnswerGenerated
    steps: tuple[tuple[str, timedelta], ...]

    def as_json(self) -> dict[str, JsonValue]:
        """For programs; times in milliseconds."""
        return {
            "question": self.question,
            "platform": self.platform.value,
            "conversation": self.conversation,
            "texts": list(self.texts),
            "rung": self.answer.rung.value,
            "sources": [
                {
                    "number": one.number,
                    "title": one.title,
                    "source": one.source,
                    "page": one.page,
                }
                for one in self.answer.citations
            ],
            "milliseconds": {name: _milliseconds(took) for name, took in self.steps},
        }


class Asker:
    """Asks questions, one after another, of a stack that runs with the platforms' stand-ins."""

    def __init__(
        self, settings: CliSettings, consumer: AIOKafkaConsumer, http: httpx.AsyncClient
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._http = http
        self._integrations = load(settings)
        self._standins = StandIns(settings.standins_url, http)

    async def ask(
        self,
        question: str,
        platform: Platform,
        *,
        customer: str | None = None,
        timeout: timedelta = timedelta(seconds=30),
    ) -> Reply:
        """Post the question and wait for the reply. Raises `CliError` where none comes.

        The customer is made known to the stand-in.
        """
        customer = customer or DEMO_CUSTOMERS[platform]
        _check(question, platform, customer)
        integration = choose(self._integrations, platform, None)
        await self._standins.make_known(platform, customer)
        seen = await self._standins.newest_message()
        await self._consumer.seek_to_end()
        post = _post(integration, customer, question)
        message_id, conversation = _what_it_becomes(integration, post)
        began, asked_at = monotonic(), datetime.now(UTC)
        await self._send(post)
        accepted = timedelta(seconds=monotonic() - began)
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                answer, delivered_at = await self._outcome(message_id)
                texts = await self._standins.received(platform, customer, after=seen)
        except TimeoutError:
            raise CliError(
                f"No reply within {timeout.total_seconds():.0f} s; "
                "`recado up` shows what is not healthy."
            ) from None
        if not texts:
            raise CliError(f"The stand-in has no message for answer {answer.id}.")
        return Reply(
            question=question,
            platform=platform,
            customer=customer,
            conversation=conversation,
            texts=texts,
            answer=answer,
            steps=_steps(answer, accepted, asked_at, delivered_at),
        )

    async def _send(self, post: WebhookPost) -> None:
        try:
            response = await self._http.post(
                self._settings.ingress_url + post.path, content=post.body, headers=post.headers
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CliError(
                f"Ingress does not answer at {self._settings.ingress_url} "
                f"({type(error).__name__}); start it with `recado up`."
            ) from error
        if response.status_code != httpx.codes.OK:
            said = response.text[:MOST_QUOTED]
            raise CliError(f"Ingress refused the webhook with {response.status_code}: {said}")

    async def _outcome(self, message_id: UUID) -> tuple[AnswerGenerated, datetime]:
        """The answer to the message, and when it was delivered."""
        answer: AnswerGenerated | None = None
        delivered: dict[UUID, datetime] = {}
        while answer is None or answer.id not in delivered:
            fetched = await self._consumer.getmany(timeout_ms=_milliseconds(POLL))
            for record in (record for records in fetched.values() for record in records):
                try:
                    event = decode(record.headers, record.value or b"")
                except EncodingError:
                    continue
                match event:
                    case AnswerGenerated() if message_id in event.message_ids:
                        answer = answer or event
                    case AnswerDelivered():
                        delivered[event.answer_id] = event.occurred_at
                    case AnswerNotDelivered() if message_id in event.message_ids:
                        raise CliError(f"The answer was not delivered: {event.reason.value}.")
                    case _:
                        pass
        return answer, delivered[answer.id]


@asynccontextmanager
async def asker(settings: CliSettings) -> AsyncIterator[Asker]:
    """An `Asker`, connected; closed in the end."""
    async with (
        reader(settings, topics.ANSWERS.name, topics.DELIVERIES.name) as consumer,
        # Everything asked is part of the demo: a proxy of the user's does not lead there.
        httpx.AsyncClient(timeout=HTTP_TIMEOUT.total_seconds(), trust_env=False) as http,
    ):
        yield Asker(settings, consumer, http)


def _check(question: str, platform: Platform, customer: str) -> None:
    if not question.strip():
        raise CliError("The question has no words.", WRONG_USE)
    try:
        question.encode()
    except UnicodeEncodeError:
        raise CliError("The question is not UTF-8.", WRONG_USE) from None
    if platform is Platform.TELEGRAM and not CHAT.fullmatch(customer):
        raise CliError(
            f"On Telegram --customer is the number of a chat, not {customer!r}.", WRONG_USE
        )


def _post(integration: Integration, customer: str, question: str) -> WebhookPost:
    match integration:
        case WhatsAppIntegration():
            secrets = integration.signing_secrets()
            if not secrets:
                raise CliError(f"{integration.name} has no app_secret to sign with.")
            return whatsapp_post(
                [[WhatsAppText(customer, question)]],
                phone_number_id=integration.phone_number_id,
                app_secret=secrets[0].decode(),
            )
        case TelegramIntegration():
            secret = integration.secret_token
            return telegram_post(
                int(customer),
                question,
                secret_token=secret.get_secret_value() if secret else "",
            )
        case _:
            raise CliError(f"{integration.platform} can't be asked from here.")


def _what_it_becomes(integration: Integration, post: WebhookPost) -> tuple[UUID, str]:
    """The id and conversation that ingress will derive from the request."""
    parsed = CHANNELS[integration.platform].parse(
        post.body,
        [integration],
        named=None,
        webhook_id=ids.fresh_id(),
        received_at=datetime.now(UTC),
    )
    message = parsed.messages[0]
    return message.id, message.conversation


def _steps(
    answer: AnswerGenerated, accepted: timedelta, asked_at: datetime, delivered_at: datetime
) -> tuple[tuple[str, timedelta], ...]:
    timings = answer.timings
    waited = answer.occurred_at - answer.received_at - timings.total
    steps = [
        ("webhook accepted, in Kafka", accepted),
        ("waited for rag", max(waited, timedelta(0))),
        ("history read", timings.history),
        ("knowledge searched", timings.retrieval),
        ("answer written", timings.generation),
        ("sent and acknowledged", delivered_at - answer.occurred_at),
        ("in all", delivered_at - asked_at),
    ]
    return tuple((name, took) for name, took in steps if took is not None)


def _milliseconds(took: timedelta) -> int:
    return round(took / timedelta(milliseconds=1))
