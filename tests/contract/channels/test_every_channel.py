"""Every channel keeps what `recado.channels.contract.Channel` promises of webhooks."""

from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from recado.channels.contract import Channel, Integration
from recado.channels.errors import NotAuthentic, NotSupported, Unreadable
from recado.channels.registry import CHANNELS
from recado.schemas import ids
from recado.schemas.base import Platform
from recado.schemas.webhooks import MessageKind

from .cases import CASES, ELSEWHERE, HERE, NOW, SECRET, WEBHOOK, Case, make, only, read, request


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


def test_an_integration_shows_no_secret(integration: Integration) -> None:
    for shown in (repr(integration), str(integration), integration.model_dump_json()):
        assert SECRET not in shown
        assert "t0ken-to-send" not in shown


def test_a_channel_refuses_to_work_for_another_platform(case: Case, channel: Channel) -> None:
    other = next(one for one in CASES if one.platform is not case.platform)
    foreign = make(other, CHANNELS[other.platform])
    with pytest.raises(TypeError):
        channel.authenticate(request(case, b"{}"), [foreign])
