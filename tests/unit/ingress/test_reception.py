"""A webhook request from its path to its answer, with a fake channel and a fake Kafka."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
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
from recado.schemas.topics import STATUSES
from recado.schemas.webhooks import (
    AccountChange,
    DeliveryStatus,
    MessageKind,
    MessageReceived,
    StatusReported,
    WebhookOutcome,
    WebhookReceived,
)
from recado.servicekit import metrics, tracing

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


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_everything_in_a_request_and_its_record_is_published_together(bench: Bench) -> None:
    answer = await bench.post({"messages": ["a", "b"], "statuses": ["c"]})

    assert (answer.status, said(answer)) == (
        200,
        {"status": "accepted", "messages": 2, "statuses": 1},
    )
    *events, webhook = bench.events()
    assert [event.type for event in events] == [
        "message.received",
        "message.received",
        "status.reported",
    ]
    assert isinstance(webhook, WebhookReceived)
    assert webhook.event_ids == tuple(event.id for event in events)
    assert (webhook.outcome, webhook.status, webhook.error) == (WebhookOutcome.ACCEPTED, 200, None)
    assert json.loads(webhook.payload) == {"messages": ["a", "b"], "statuses": ["c"]}


async def test_without_an_acknowledgement_it_is_503_with_a_time_to_wait(bench: Bench) -> None:
    bench.kafka_up = False

    answer = await bench.post({"messages": ["a"]})

    assert answer.status == 503
    assert answer.headers == {"Retry-After": "5"}
    assert said(answer)["status"] == "unavailable"


async def test_while_kafka_is_known_to_be_away_nothing_is_parsed(bench: Bench) -> None:
    bench.outbox.shut()

    assert (await bench.post({"messages": ["a"]})).status == 503
    assert bench.whatsapp.parsed == []


async def test_a_wrong_secret_is_401_also_while_kafka_is_away(bench: Bench) -> None:
    bench.outbox.shut()

    assert (await bench.post({}, secret="wrong")).status == 401


async def test_a_request_that_is_not_authentic_is_never_parsed(bench: Bench) -> None:
    answer = await bench.post({"messages": ["a"]}, secret="wrong")

    assert (answer.status, said(answer)) == (401, {"status": "rejected", "error": "wrong secret"})
    assert bench.whatsapp.parsed == []
    assert bench.published == []


async def test_a_rejection_is_noted_with_its_body_and_source(bench: Bench) -> None:
    await bench.post({"messages": ["a"]}, secret="wrong", integration="second")

    ((event, bucket, source),) = bench.rejected
    assert (event.outcome, event.status, event.error) == (
        WebhookOutcome.REJECTED,
        401,
        "wrong secret",
    )
    assert (event.platform, event.integration) == ("whatsapp", "second")
    assert json.loads(event.payload) == {"messages": ["a"]}
    assert (bucket, source) == ("whatsapp/second", "192.0.2.1")


@pytest.mark.parametrize(
    ("platform", "integration"),
    [("signal", None), ("WhatsApp", None), ("whatsapp", "nobody"), ("whatsapp", "bot")],
)
async def test_an_unknown_address_is_404(
    bench: Bench, platform: str, integration: str | None
) -> None:
    posted = await bench.post({}, platform=platform, integration=integration)
    asked = await bench.get(platform, integration, token="right", challenge="1")

    assert (posted.status, asked.status) == (404, 404)


async def test_a_disabled_integration_looks_like_none(bench: Bench) -> None:
    disabled = await bench.post({}, integration="old")
    unknown = await bench.post({}, integration="none")

    assert (disabled.status, disabled.body) == (unknown.status, unknown.body)
    assert disabled.status == 404


@pytest.mark.parametrize(("platform", "allow"), [("whatsapp", "GET, POST"), ("telegram", "POST")])
async def test_a_method_that_there_is_not_is_405_and_says_which_there_are(
    bench: Bench, platform: str, allow: str
) -> None:
    answer = await bench.other(platform)

    assert (answer.status, answer.headers) == (405, {"Allow": allow})


async def test_an_unknown_address_is_404_whatever_the_method(bench: Bench) -> None:
    assert (await bench.other("signal")).status == 404


async def test_another_network_than_the_integrations_is_403_before_the_body_is_read(
    bench: Bench,
) -> None:
    read = False

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{}"

    answer = await bench.post(body=chunks(), platform="telegram", integration="fenced")

    assert answer.status == 403
    assert not read
    assert "198.51.100" not in answer.body.decode()


async def test_a_path_without_a_name_leaves_out_those_of_other_networks(bench: Bench) -> None:
    await bench.post({"messages": ["a"]}, platform="telegram")

    assert [one.name for one in bench.telegram.given] == ["bot", "slow"]


async def test_beyond_its_rate_an_authentic_request_is_429_with_a_time_to_wait(
    bench: Bench,
) -> None:
    answers = [
        await bench.post({"messages": [one]}, platform="telegram", integration="slow")
        for one in ("a", "b", "c")
    ]

    assert [one.status for one in answers] == [200, 200, 429]
    assert answers[-1].headers == {"Retry-After": "2"}
    assert len(bench.telegram.parsed) == 2


async def test_what_is_not_authentic_takes_nothing_of_the_rate(bench: Bench) -> None:
    for _ in range(9):
        await bench.post({}, platform="telegram", integration="slow", secret="wrong")

    assert (await bench.post({}, platform="telegram", integration="slow")).status == 200


async def test_names_that_do_not_exist_share_one_bucket(bench: Bench) -> None:
    for name in ("x", "y", "z"):
        await bench.post({}, platform=name)

    assert {bucket for _, bucket, _ in bench.rejected} == {""}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "j"])
async def test_another_content_type_than_json_is_415(bench: Bench, content_type: str) -> None:
    assert (await bench.post({}, content_type=content_type)).status == 415
    assert bench.budget.held == 0


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "Application/JSON", "application/a+json", ""],
)
async def test_json_by_any_of_its_names_or_none_is_taken(bench: Bench, content_type: str) -> None:
    assert (await bench.post({}, content_type=content_type)).status == 200


async def test_a_compressed_body_is_415(bench: Bench) -> None:
    assert (await bench.post({}, content_encoding="gzip")).status == 415


async def test_a_body_at_the_limit_is_taken_and_one_beyond_it_is_413(bench: Bench) -> None:
    assert (await bench.post(body=b'"' + b"x" * (LIMIT - 2) + b'"', secret="no")).status == 401
    assert (await bench.post(body=b'"' + b"x" * (LIMIT - 1) + b'"', secret="no")).status == 413


async def test_a_body_that_is_too_large_is_not_read_to_its_end(bench: Bench) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 100
            yield b"x" * 100

    assert (await bench.post(body=endless())).status == 413
    assert sent <= LIMIT + 100


async def test_a_body_that_says_that_it_is_too_large_is_not_read_at_all(bench: Bench) -> None:
    read = False

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{}"

    assert (await bench.post(body=chunks(), content_length=str(LIMIT + 1))).status == 413
    assert not read


async def test_a_body_that_does_not_come_is_408(bench: Bench) -> None:
    async def stalled() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    assert (await bench.post(body=stalled())).status == 408
    assert bench.budget.held == 0


async def test_more_bytes_than_are_set_aside_are_503(bench: Bench) -> None:
    with bench.budget.hold() as others:
        others.grow(4 * LIMIT - 10)
        assert (await bench.post({"messages": ["a"]})).status == 503

    assert (await bench.post({"messages": ["a"]})).status == 200


async def test_the_size_is_checked_before_the_secret(bench: Bench) -> None:
    assert (await bench.post(body=b"x" * (LIMIT + 1), secret="wrong")).status == 413


async def test_an_authentic_body_that_is_unreadable_is_recorded_and_200(bench: Bench) -> None:
    answer = await bench.post(body=b'{"a": \xff')

    assert (answer.status, said(answer)["status"]) == (200, "unreadable")
    webhook = bench.webhook()
    assert (webhook.outcome, webhook.error) == (WebhookOutcome.UNREADABLE, "not JSON")
    assert webhook.payload_encoding == "base64"


async def test_a_bug_of_the_parser_is_recorded_and_200_and_quotes_nothing(bench: Bench) -> None:
    answer = await bench.post({"bug": True})

    assert answer.status == 200
    webhook = bench.webhook()
    assert webhook.outcome is WebhookOutcome.UNREADABLE
    assert "ZeroDivisionError" in (webhook.error or "")
    assert "nobody may see" not in (webhook.error or "")


async def test_a_malformed_part_costs_nothing_but_itself(bench: Bench) -> None:
    answer = await bench.post({"messages": ["a"], "problems": ["messages[1]: no sender"]})

    assert said(answer)["messages"] == 1
    assert said(answer)["error"] == "messages[1]: no sender"
    assert bench.webhook().outcome is WebhookOutcome.ACCEPTED
    assert bench.webhook().error == "messages[1]: no sender"


async def test_a_number_that_is_not_configured_is_recorded_only(bench: Bench) -> None:
    answer = await bench.post({"unknown": ["4711", "4711"]})

    assert (answer.status, said(answer)["status"]) == (200, "unknown_integration")
    (webhook,) = bench.events()
    assert isinstance(webhook, WebhookReceived)
    assert webhook.error == "not a configured integration: 4711"


async def test_an_authentic_request_with_nothing_for_us_is_ignored(bench: Bench) -> None:
    answer = await bench.post({"type": "account_update"})

    assert said(answer)["status"] == "ignored"
    assert bench.webhook().event_type == "account_update"


async def test_a_kind_without_a_name_of_ours_is_counted_by_the_platforms(bench: Bench) -> None:
    metrics.UNKNOWN_KINDS.clear()
    await bench.post({"kinds": ["hologram", "hologram", "not a name"]})
    assert counted(metrics.UNKNOWN_KINDS, "whatsapp", "hologram") == 2
    assert counted(metrics.UNKNOWN_KINDS, "whatsapp", "other") == 1


async def test_a_part_of_no_kind_of_ours_is_counted_by_the_platforms_though_no_event(
    bench: Bench,
) -> None:
    metrics.UNKNOWN_KINDS.clear()
    await bench.post({"unknown_kinds": ["status_teleported", "no name"], "problems": ["a part"]})
    assert bench.webhook().outcome is WebhookOutcome.UNREADABLE
    assert counted(metrics.UNKNOWN_KINDS, "whatsapp", "status_teleported") == 1
    assert counted(metrics.UNKNOWN_KINDS, "whatsapp", "other") == 1


async def test_news_of_the_account_is_in_the_record_and_counted(bench: Bench) -> None:
    metrics.ACCOUNT_CHANGES.clear()
    await bench.post({"type": "account_alerts", "changes": ["account_alerts", "security"]})
    webhook = bench.webhook()
    assert [one.type for one in webhook.account_changes] == ["account_alerts", "security"]
    assert webhook.outcome is WebhookOutcome.IGNORED
    assert counted(metrics.ACCOUNT_CHANGES, "whatsapp", "security") == 1


def counted(family: Counter, *labels: str) -> float:
    (found,) = [
        sample.value
        for metric in family.collect()
        for sample in metric.samples
        if tuple(sample.labels.values()) == labels
    ]
    return found


async def test_messages_without_an_id_are_taken_with_a_warning(bench: Bench) -> None:
    answer = await bench.post({"messages": ["a", None]})

    assert said(answer)["messages"] == 2
    assert "no protection against repeats" in str(said(answer)["warning"])


async def test_messages_with_an_id_come_without_a_warning(bench: Bench) -> None:
    assert "warning" not in said(await bench.post({"messages": ["a"]}))


async def test_a_repeat_is_another_request_of_which_only_the_record_is_published(
    bench: Bench,
) -> None:
    await bench.post({"messages": ["a"]})
    answer = await bench.post({"messages": ["a", "b"], "statuses": ["c"]})

    assert said(answer) == {"status": "accepted", "messages": 2, "statuses": 1, "repeats": 1}
    first, second = (
        [decode(one.headers, one.value) for one in records] for records in bench.published
    )
    assert [event.type for event in second] == [
        "message.received",
        "status.reported",
        "webhook.received",
    ]
    record = second[-1]
    assert isinstance(record, WebhookReceived)
    assert record.event_ids == (first[0].id, second[0].id, second[1].id)
    assert record.repeats == 1
    assert record.id != first[-1].id


async def test_what_kafka_did_not_take_is_no_repeat(bench: Bench) -> None:
    bench.kafka_up = False
    assert (await bench.post({"messages": ["a"]})).status == 503
    bench.kafka_up = True

    answer = await bench.post({"messages": ["a"]})

    assert "repeats" not in said(answer)
    assert len(bench.events()) == 2


async def test_an_event_that_is_too_large_for_its_topic_costs_nothing_but_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recado.ingress.packing.ENVELOPE_BYTES", STATUSES.max_record - 10)

    answer = await bench.post({"messages": ["a"], "statuses": ["b"]})

    assert (said(answer)["messages"], said(answer)["statuses"]) == (1, 0)
    assert "too large for its topic" in str(said(answer)["error"])
    assert len(bench.webhook().event_ids) == 1


async def test_a_path_without_a_name_stands_for_all_enabled_integrations(bench: Bench) -> None:
    await bench.post({"messages": ["a"]})
    assert [one.name for one in bench.whatsapp.given] == ["main", "second"]

    await bench.post({"messages": ["a"]}, integration="second")
    assert [one.name for one in bench.whatsapp.given] == ["second"]


async def test_other_accounts_count_for_the_requests_that_come_after(bench: Bench) -> None:
    bench.directory.replace([Integration(name="new", platform=Platform.WHATSAPP)])

    assert (await bench.post({}, integration="new")).status == 200
    assert (await bench.post({}, integration="main")).status == 404
    assert (await bench.post({}, platform="telegram")).status == 404


async def test_all_records_of_a_request_carry_one_trace(bench: Bench) -> None:
    tracing.configure("ingress-test")
    await bench.post({"messages": ["a", "b"]})

    (records,) = bench.published
    traces = {tracing.traceparent_of(one.headers) for one in records}
    assert len(traces) == 1
    assert traces != {None}


async def test_a_handshake_is_answered_with_its_challenge_as_text(bench: Bench) -> None:
    answer = await bench.get(token="right", challenge="1158201444")

    assert (answer.status, answer.body) == (200, b"1158201444")
    assert answer.media_type.startswith("text/plain")
    webhook = bench.webhook()
    assert (webhook.event_type, webhook.outcome) == ("verification", WebhookOutcome.VERIFIED)
    assert "right" not in webhook.model_dump_json()


async def test_a_handshake_with_a_wrong_token_is_403(bench: Bench) -> None:
    answer = await bench.get(token="wrong", challenge="1")

    assert answer.status == 403
    assert bench.rejected[0][0].event_type == "verification"
    assert bench.published == []


async def test_a_platform_without_a_handshake_says_405(bench: Bench) -> None:
    answer = await bench.get("telegram")

    assert (answer.status, answer.headers) == (405, {"Allow": "POST"})


async def test_a_handshake_without_kafka_is_503(bench: Bench) -> None:
    bench.kafka_up = False

    assert (await bench.get(token="right", challenge="1")).status == 503


async def test_what_is_wrong_with_a_body_is_told_in_bounds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the answer as in the record, however much of it there is."""

    def much_is_wrong(*_: object, **__: object) -> ParsedWebhook:
        return ParsedWebhook("message", problems=("not an object",) * 1000)

    monkeypatch.setattr(bench.whatsapp, "parse", much_is_wrong)
    told = said(await bench.post({}))["error"]
    assert isinstance(told, str)
    assert len(told) == 1000
    assert bench.webhook().error == told
