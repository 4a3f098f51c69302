"""The promises of `recado.channels.contract.Channel`, kept by every channel of the registry.

A new platform adds a `Case`: what a request of that platform looks like.
"""

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import httpx
import orjson
import pytest
from pydantic import JsonValue

from recado.channels.contract import Channel, Integration, ParsedWebhook, Part, WebhookRequest
from recado.channels.errors import (
    NotAuthentic,
    NotSupported,
    Refused,
    ResultUnknown,
    RetryLater,
    SendError,
    SenderStopped,
    Unreadable,
)
from recado.channels.registry import CHANNELS
from recado.schemas import ids
from recado.schemas.base import Platform
from recado.schemas.webhooks import MessageKind, MessageReceived

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
WEBHOOK = UUID(int=7)
ELSEWHERE, HERE = "203.0.113.5", "127.0.0.1"
SECRET = "s3cret-of-the-webhook"


@dataclass(frozen=True)
class Case:
    """What one platform's webhooks and answers look like."""

    platform: Platform
    settings: dict[str, JsonValue]
    """An integration whose webhook secret is `SECRET`."""
    header: str
    """The header that proves a webhook."""
    prove: Callable[[bytes], str]
    """Its right value for a body."""
    message: dict[str, JsonValue]
    """A webhook with the text `Hola`, and ids."""
    nameless: dict[str, JsonValue]
    """The same as short as a person would type it, without ids."""
    other_kind: dict[str, JsonValue]
    """A webhook with a message of a kind that nobody knows."""
    accepted: JsonValue
    """The answer to a message that was sent; its id is `77`."""
    max_text: int


def _sign(body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def _whatsapp(message: dict[str, JsonValue]) -> dict[str, JsonValue]:
    metadata: dict[str, JsonValue] = {"phone_number_id": "1"}
    change: JsonValue = {
        "field": "messages",
        "value": {"metadata": metadata, "messages": [message]},
    }
    return {"entry": [{"id": "9", "changes": [change]}]}


WHATSAPP = Case(
    platform=Platform.WHATSAPP,
    settings={
        "phone_number_id": "1",
        "access_token": "t0ken-to-send",
        "app_secret": SECRET,
        "verify_token": "v",
    },
    header="x-hub-signature-256",
    prove=_sign,
    message=_whatsapp(
        {"from": "51900", "id": "wamid.1", "timestamp": "1764700000", "type": "text",
         "text": {"body": "Hola"}}
    ),
    nameless={
        "entry": [
            {"changes": [{"value": {"messages": [{"from": "123456", "text": {"body": "Hola"}}]}}]}
        ]
    },
    other_kind=_whatsapp({"from": "51900", "id": "wamid.2", "type": "hologram", "hologram": {}}),
    accepted={"messages": [{"id": "77"}]},
    max_text=4096,
)  # fmt: skip

TELEGRAM = Case(
    platform=Platform.TELEGRAM,
    settings={"bot_token": "42:t0ken-to-send", "secret_token": SECRET},
    header="x-telegram-bot-api-secret-token",
    prove=lambda _: SECRET,
    message={
        "update_id": 5,
        "message": {"message_id": 1, "date": 1764700000, "chat": {"id": 9}, "text": "Hola"},
    },
    nameless={"message": {"chat": {"id": 123456}, "text": "Hola"}},
    other_kind={"update_id": 6, "message": {"message_id": 2, "chat": {"id": 9}, "hologram": {}}},
    accepted={"ok": True, "result": {"message_id": 77}},
    max_text=4096,
)

CASES = (WHATSAPP, TELEGRAM)


@pytest.fixture(params=CASES, ids=[case.platform.value for case in CASES])
def case(request: pytest.FixtureRequest) -> Case:
    assert isinstance(request.param, Case)
    return request.param


@pytest.fixture
def channel(case: Case) -> Channel:
    return CHANNELS[case.platform]


@pytest.fixture
def integration(case: Case, channel: Channel) -> Integration:
    return make(case, channel)


def make(case: Case, channel: Channel, **more: JsonValue) -> Integration:
    base: dict[str, JsonValue] = {"name": "one", "platform": case.platform.value}
    return channel.integration_type.model_validate({**base, **case.settings, **more})


def request(case: Case, body: bytes, **changes: str | None) -> WebhookRequest:
    """A request that is authentic, but for the changes: `proof` and `client`."""
    proof = changes.get("proof", case.prove(body))
    headers = {"content-type": "application/json"}
    if proof is not None:
        headers[case.header] = proof
    return WebhookRequest(
        headers=headers, query={}, body=body, client_host=changes.get("client") or ELSEWHERE
    )


def read(channel: Channel, body: JsonValue, *integrations: Integration) -> ParsedWebhook:
    return channel.parse(
        orjson.dumps(body), integrations, named=None, webhook_id=WEBHOOK, received_at=NOW
    )


def only(found: ParsedWebhook) -> MessageReceived:
    assert found.problems == ()
    (message,) = found.messages
    return message


def test_every_platform_of_the_contract_has_a_channel_and_a_case() -> None:
    """Every platform that events can name has a channel, and every channel is tested here."""
    assert set(CHANNELS) == set(Platform) == {case.platform for case in CASES}
    assert all(platform == channel.platform for platform, channel in CHANNELS.items())


def test_a_proven_request_is_authentic_wherever_it_comes_from(
    case: Case, channel: Channel, integration: Integration
) -> None:
    body = orjson.dumps(case.message)
    for client in (ELSEWHERE, HERE, ""):
        assert channel.authenticate(request(case, body, client=client), [integration]) == (
            integration,
        )


@pytest.mark.parametrize("proof", ["", "wrong", "é", "\udc80", "\x00", "sha256=zz", "a" * 100_000])
@pytest.mark.parametrize("development", [False, True])
def test_a_wrong_proof_is_not_authentic_in_any_mode(
    case: Case, channel: Channel, proof: str, development: bool
) -> None:
    integration = make(case, channel, development=development)
    with pytest.raises(NotAuthentic) as refused:
        channel.authenticate(request(case, b"{}", proof=proof, client=HERE), [integration])
    assert SECRET not in str(refused.value)
    assert case.prove(b"{}") not in str(refused.value)


def test_an_unproven_request_is_taken_from_loopback_in_development_mode_only(
    case: Case, channel: Channel, integration: Integration
) -> None:
    developing = make(case, channel, name="dev", development=True)
    local = request(case, b"{}", proof=None, client=HERE)
    assert channel.authenticate(local, [integration, developing]) == (developing,)
    tunnelled = replace(local, headers={**local.headers, "x-forwarded-for": "127.0.0.1"})
    for refused, integrations in (
        (local, [integration]),
        (local, []),
        (request(case, b"{}", proof=None), [developing]),
        (tunnelled, [developing]),
    ):
        with pytest.raises(NotAuthentic):
            channel.authenticate(refused, integrations)


def test_the_handshake_is_refused_or_not_supported_without_its_token(
    channel: Channel, integration: Integration
) -> None:
    with pytest.raises((NotAuthentic, NotSupported)):
        channel.handshake({"hub.mode": "subscribe", "hub.challenge": "1"}, [integration])


def test_a_text_becomes_an_event_with_a_derived_id(
    case: Case, channel: Channel, integration: Integration
) -> None:
    first, again = (only(read(channel, case.message, integration)) for _ in range(2))
    assert first == again
    assert (first.kind, first.text, first.raw) == (MessageKind.TEXT, "Hola", None)
    assert (first.occurred_at, first.webhook_id) == (NOW, WEBHOOK)
    assert first.sent_at == datetime.fromtimestamp(1764700000, UTC)
    assert first.reply_to.platform == case.platform
    assert first.reply_to.integration == "one"
    assert first.conversation == ids.conversation_key(
        case.platform.value, "one", first.reply_to.chat
    )


def test_the_same_message_on_another_integration_is_another_event(
    case: Case, channel: Channel, integration: Integration
) -> None:
    other = make(case, channel, name="two")
    assert (
        only(read(channel, case.message, integration)).id
        != only(read(channel, case.message, other)).id
    )


def test_a_message_without_ids_is_read_and_gets_a_fresh_one(case: Case, channel: Channel) -> None:
    developing = make(case, channel, development=True)
    first, again = (only(read(channel, case.nameless, developing)) for _ in range(2))
    assert (first.kind, first.text) == (MessageKind.TEXT, "Hola")
    assert first.platform_message_id is None
    assert first.id != again.id
    assert first.conversation == again.conversation


def test_a_kind_that_nobody_knows_is_kept_with_its_name_and_its_raw_part(
    case: Case, channel: Channel, integration: Integration
) -> None:
    message = only(read(channel, case.other_kind, integration))
    assert (message.kind, message.platform_kind) == (MessageKind.OTHER, "hologram")
    assert message.raw is not None
    assert message.raw["hologram"] == {}


def test_the_named_integration_is_the_one_that_is_meant(case: Case, channel: Channel) -> None:
    both = [make(case, channel), make(case, channel, name="two")]
    found = channel.parse(
        orjson.dumps(case.message), both, named=both[1], webhook_id=WEBHOOK, received_at=NOW
    )
    assert (only(found).reply_to.integration, found.integration) == ("two", "two")


@pytest.mark.parametrize("body", [b"", b"nope", b"[]", b"null", b"\xff\xfe", b"{}", b"[" * 5000])
def test_a_body_that_is_no_webhook_is_unreadable(
    channel: Channel, integration: Integration, body: bytes
) -> None:
    with pytest.raises(Unreadable):
        channel.parse(body, [integration], named=None, webhook_id=WEBHOOK, received_at=NOW)


def test_an_answer_becomes_parts_that_fit_and_can_be_kept(case: Case, channel: Channel) -> None:
    text = "## Título\n\n" + "Una frase de **varias** palabras 😀. " * 400
    parts = channel.format(text)
    assert len(parts) > 1
    for part in parts:
        assert len(part.text.encode("utf-16-le")) // 2 <= case.max_text
        assert Part.model_validate_json(part.model_dump_json()) == part
    assert sum(part.text.count("palabras") for part in parts) == 400
    assert channel.format("  \n ") == ()


@asynccontextmanager
async def wire(
    answer: Callable[[httpx.Request], httpx.Response],
) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        yield http


async def test_a_part_is_sent_once_and_gives_the_platforms_id(
    case: Case, channel: Channel, integration: Integration
) -> None:
    requests: list[httpx.Request] = []

    def answer(sent: httpx.Request) -> httpx.Response:
        requests.append(sent)
        return httpx.Response(200, content=orjson.dumps(case.accepted))

    reply_to = only(read(channel, case.message, integration)).reply_to
    (part,) = channel.format("Hola")
    async with wire(answer) as http:
        sender = channel.sender(integration, http)
        assert await sender.send(reply_to, part, callback_data="a:0") == "77"
    assert len(requests) == 1


def _raise(error: type[httpx.TransportError]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(sent: httpx.Request) -> httpx.Response:
        raise error("boom", request=sent)

    return answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (_raise(httpx.ConnectError), RetryLater),
        (_raise(httpx.PoolTimeout), RetryLater),
        (_raise(httpx.ReadTimeout), ResultUnknown),
        (_raise(httpx.RemoteProtocolError), ResultUnknown),
        (lambda _: httpx.Response(429), RetryLater),
        (lambda _: httpx.Response(400), Refused),
        (lambda _: httpx.Response(401), SenderStopped),
        (lambda _: httpx.Response(502, text="<html>"), ResultUnknown),
        (lambda _: httpx.Response(200, text="<html>"), ResultUnknown),
    ],
)
async def test_a_failure_says_whether_the_part_may_be_sent_again(
    case: Case,
    channel: Channel,
    integration: Integration,
    answer: Callable[[httpx.Request], httpx.Response],
    expected: type[SendError],
) -> None:
    reply_to = only(read(channel, case.message, integration)).reply_to
    async with wire(answer) as http:
        sender = channel.sender(integration, http)
        with pytest.raises(SendError) as failed:
            await sender.send(reply_to, Part(text="Hola"), callback_data="a:0")
    assert type(failed.value) is expected
    assert "t0ken-to-send" not in repr(failed.value)
    assert failed.value.__context__ is None


def test_an_integration_shows_no_secret(integration: Integration) -> None:
    for shown in (repr(integration), str(integration), integration.model_dump_json()):
        assert SECRET not in shown
        assert "t0ken-to-send" not in shown


def test_a_channel_refuses_to_work_for_another_platform(case: Case, channel: Channel) -> None:
    other = next(one for one in CASES if one.platform is not case.platform)
    foreign = make(other, CHANNELS[other.platform])
    with pytest.raises(TypeError):
        channel.authenticate(request(case, b"{}"), [foreign])
