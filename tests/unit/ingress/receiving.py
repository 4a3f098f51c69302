"""A reception with a fake channel and a fake Kafka, for the tests of what it does."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
from prometheus_client import Counter

from recado.channels.contract import Integration, ParsedWebhook, Part, Sender, WebhookRequest
from recado.channels.errors import NotAuthentic, NotSupported, Unreadable
from recado.ingress.admission import Admission
from recado.ingress.answers import Answer
from recado.ingress.bodies import BodyReader
from recado.ingress.clients import Clients
from recado.ingress.directory import Directory
from recado.ingress.errors import KafkaAway
from recado.ingress.limits import ByteBudget
from recado.ingress.outbox import Outbox
from recado.ingress.reception import Reception, Visit
from recado.ingress.rejections import Rejections
from recado.ingress.repeats import Repeats
from recado.schemas.base import Platform
from recado.schemas.conversations import Recipient, ReplyTo, User
from recado.schemas.encoding import EncodedEvent, decode
from recado.schemas.events import Event
from recado.schemas.ids import fresh_id, message_id, status_id
from recado.schemas.webhooks import (
    AccountChange,
    DeliveryStatus,
    MessageKind,
    MessageReceived,
    StatusReported,
    WebhookReceived,
)

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
LIMIT = 1000


class FakeChannel:
    """Takes requests with the header `secret: right`; bodies name what is in them.

    `{"messages": ["id", null], "statuses": ["id"], "problems": […], "unknown": […]}`
    """

    integration_type = Integration
    max_body = 1024
    reports_delivery = False

    def __init__(self, platform: str, *, handshake: bool = True) -> None:
        self.platform = platform
        self.parsed: list[bytes] = []
        self.given: tuple[Integration, ...] = ()
        self._handshake = handshake

    def handshake(self, query: Mapping[str, str], integrations: Sequence[Integration]) -> str:
        if not self._handshake:
            raise NotSupported("there is no handshake")
        if query.get("token") != "right":
            raise NotAuthentic("wrong verify token")
        return query["challenge"]

    def authenticate(
        self, request: WebhookRequest, integrations: Sequence[Integration]
    ) -> tuple[Integration, ...]:
        if request.headers.get("secret") != "right":
            raise NotAuthentic("wrong secret")
        return tuple(integrations)

    def parse(
        self,
        body: bytes,
        integrations: Sequence[Integration],
        *,
        named: Integration | None,
        webhook_id: UUID,
        received_at: datetime,
    ) -> ParsedWebhook:
        self.parsed.append(body)
        self.given = tuple(integrations)
        try:
            content = json.loads(body)
        except ValueError:
            raise Unreadable("not JSON") from None
        if content.get("bug"):
            raise ZeroDivisionError("a body that nobody may see")
        return ParsedWebhook(
            event_type=content.get("type", "message"),
            messages=(
                *(message(one, webhook_id) for one in content.get("messages", ())),
                *(of_unknown_kind(one, webhook_id) for one in content.get("kinds", ())),
            ),
            statuses=tuple(status(one, webhook_id) for one in content.get("statuses", ())),
            unknown_integrations=tuple(content.get("unknown", ())),
            problems=tuple(content.get("problems", ())),
            integration="main",
            account_changes=tuple(AccountChange(type=one) for one in content.get("changes", ())),
            unknown_kinds=tuple(content.get("unknown_kinds", ())),
        )

    def format(self, text: str) -> tuple[Part, ...]:
        raise NotImplementedError

    def sender(self, integration: Integration, http: httpx.AsyncClient) -> Sender:
        raise NotImplementedError


def message(platform_id: str | None, webhook_id: UUID) -> MessageReceived:
    return MessageReceived(
        id=fresh_id()
        if platform_id is None
        else message_id("main", "message", "chat", platform_id),
        occurred_at=NOW,
        sent_at=NOW,
        conversation="whatsapp:main:chat",
        reply_to=ReplyTo(
            platform=Platform.WHATSAPP, integration="main", chat="chat", recipient=Recipient.CHAT
        ),
        user=User(id="chat"),
        platform_message_id=platform_id,
        kind=MessageKind.TEXT,
        platform_kind="text",
        text="Hola",
        webhook_id=webhook_id,
    )


def of_unknown_kind(kind: str, webhook_id: UUID) -> MessageReceived:
    found = message(None, webhook_id)
    return found.model_copy(update={"kind": MessageKind.OTHER, "platform_kind": kind})


def status(platform_id: str, webhook_id: UUID) -> StatusReported:
    return StatusReported(
        id=status_id("main", platform_id, "sent", NOW),
        occurred_at=NOW,
        reported_at=NOW,
        conversation="whatsapp:main:chat",
        integration="main",
        platform_message_id=platform_id,
        status=DeliveryStatus.SENT,
        webhook_id=webhook_id,
    )


INTEGRATIONS = (
    Integration(name="main", platform=Platform.WHATSAPP),
    Integration(name="second", platform=Platform.WHATSAPP),
    Integration(name="old", platform=Platform.WHATSAPP, enabled=False),
    Integration(name="bot", platform=Platform.TELEGRAM),
    Integration.model_validate(
        {"name": "fenced", "platform": "telegram", "allowed_networks": ["198.51.100.0/24"]}
    ),
    Integration(name="slow", platform=Platform.TELEGRAM, requests_per_second=0.5, requests_burst=2),
)


class Bench:
    """A reception and what it stands on."""

    def __init__(self) -> None:
        self.whatsapp = FakeChannel(Platform.WHATSAPP)
        self.telegram = FakeChannel(Platform.TELEGRAM, handshake=False)
        self.kafka_up = True
        self.published: list[tuple[EncodedEvent, ...]] = []
        self.budget = ByteBudget(4 * LIMIT)
        self.outbox = Outbox(self._write, max_waiting=10, failures_until_shut=2)
        self.outbox.open()
        self.directory = Directory(
            {Platform.WHATSAPP: self.whatsapp, Platform.TELEGRAM: self.telegram}, INTEGRATIONS
        )
        self.admission = Admission(Clients(), clock=lambda: 0.0)
        self.admission.replace(INTEGRATIONS)
        self.rejected: list[tuple[WebhookReceived, str, str]] = []
        self.reception = Reception(
            directory=self.directory,
            admission=self.admission,
            bodies=BodyReader(
                max_body=lambda platform: LIMIT,
                budget=self.budget,
                timeout=timedelta(seconds=0.05),
            ),
            outbox=self.outbox,
            rejections=self.rejections(),
            repeats=Repeats(most=100, age=timedelta(minutes=1)),
            retry_after=timedelta(seconds=4.2),
            clock=lambda: NOW,
            new_id=fresh_id,
        )

    def rejections(self) -> Rejections:
        noted = self.rejected

        class Noting(Rejections):
            def note(self, event: WebhookReceived, *, integration: str, source: str) -> bool:
                noted.append((event, integration, source))
                return True

        return Noting(self.outbox, per_second=1, burst=1)

    async def _write(self, records: Sequence[EncodedEvent]) -> None:
        if not self.kafka_up:
            raise KafkaAway("Kafka did not acknowledge")
        self.published.append(tuple(records))

    def events(self) -> list[Event]:
        """Of the only request that published anything."""
        (records,) = self.published
        return [decode(one.headers, one.value) for one in records]

    def webhook(self) -> WebhookReceived:
        event = self.events()[-1]
        assert isinstance(event, WebhookReceived)
        return event

    async def post(
        self,
        content: object = None,
        *,
        body: AsyncIterator[bytes] | bytes | None = None,
        platform: str = "whatsapp",
        integration: str | None = None,
        **headers: str,
    ) -> Answer:
        if body is None:
            body = json.dumps(content).encode()
        given = {"content-type": "application/json", "secret": "right"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.reception.receive(
            Visit(
                platform=platform,
                integration=integration,
                headers=given,
                query={},
                client_host="192.0.2.1",
                body=in_chunks(body) if isinstance(body, bytes) else body,
            )
        )

    async def other(self, platform: str) -> Answer:
        """A request with another method."""
        return await self.reception.refuse_method(
            Visit(platform, None, {}, {}, "192.0.2.1", in_chunks(b""))
        )

    async def get(
        self, platform: str = "whatsapp", integration: str | None = None, **query: str
    ) -> Answer:
        return await self.reception.verify(
            Visit(platform, integration, {}, query, "192.0.2.1", in_chunks(b""))
        )


async def in_chunks(body: bytes, size: int = 100) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]
    yield b""


def said(answer: Answer) -> dict[str, object]:
    content = json.loads(answer.body)
    assert isinstance(content, dict)
    return content


def counted(family: Counter, *labels: str) -> float:
    (found,) = [
        sample.value
        for metric in family.collect()
        for sample in metric.samples
        if tuple(sample.labels.values()) == labels
    ]
    return found
