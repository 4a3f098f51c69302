"""WhatsApp: what passes for Meta, and what does not."""

import hashlib
import hmac

import pytest

from recado.channels.contract import WebhookRequest
from recado.channels.errors import NotAuthentic
from recado.channels.whatsapp import WhatsAppIntegration
from recado.channels.whatsapp.verify import authenticate, handshake

BODY = b'{"entry": []}'


def signature(secret: str, body: bytes = BODY) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def request(header: str | None, body: bytes = BODY, client: str = "203.0.113.5") -> WebhookRequest:
    headers = {} if header is None else {"x-hub-signature-256": header}
    return WebhookRequest(headers=headers, query={}, body=body, client_host=client)


def test_a_request_signed_by_the_app_secret_is_authentic(whatsapp: WhatsAppIntegration) -> None:
    assert authenticate(request(signature("app-secret")), [whatsapp]) == (whatsapp,)
    assert authenticate(request(signature("app-secret").upper().replace("SHA", "sha")), [whatsapp])


def test_both_secrets_are_valid_while_one_is_rotated(whatsapp: WhatsAppIntegration) -> None:
    rotating = WhatsAppIntegration.model_validate(
        {**whatsapp.model_dump(), "app_secrets": ["next"]}
    )
    for secret in ("app-secret", "next"):
        assert authenticate(request(signature(secret)), [rotating]) == (rotating,)


def test_only_the_integrations_whose_secret_signed_it_are_authentic(
    whatsapp: WhatsAppIntegration,
) -> None:
    other = whatsapp.model_copy(
        update={"name": "other", "app_secret": None, "app_secrets": (), "development": True}
    )
    assert authenticate(request(signature("app-secret")), [other, whatsapp]) == (whatsapp,)


@pytest.mark.parametrize("development", [False, True])
@pytest.mark.parametrize(
    "header",
    [
        signature("wrong"),
        signature("app-secret", BODY + b" "),
        signature("app-secret")[:-1],
        signature("app-secret").removeprefix("sha256="),
        "",
        "sha256=",
        "sha256=" + "é" * 64,
        "sha256=" + "٣" * 64,
        "\udcff",
        signature("app-secret") + "\n",
    ],
)
def test_a_wrong_signature_is_refused_in_every_mode_from_everywhere(
    whatsapp: WhatsAppIntegration, header: str, development: bool
) -> None:
    integration = whatsapp.model_copy(update={"development": development})
    with pytest.raises(NotAuthentic) as refused:
        authenticate(request(header, client="127.0.0.1"), [integration])
    assert signature("app-secret").removeprefix("sha256=") not in str(refused.value)


def test_both_verify_tokens_are_valid_while_one_is_changed(whatsapp: WhatsAppIntegration) -> None:
    rotating = WhatsAppIntegration.model_validate(
        {**whatsapp.model_dump(), "verify_tokens": ["next"]}
    )
    for token in ("verify-me", "next"):
        query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1158"}
        assert handshake(query, [rotating]) == "1158"


def test_the_handshake_gives_the_challenge_for_the_right_token_only(
    whatsapp: WhatsAppIntegration,
) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "verify-me", "hub.challenge": "1158"}
    assert handshake(query, [whatsapp]) == "1158"
    for wrong in (
        {"hub.verify_token": "verify-m"},
        {"hub.verify_token": "\ud800"},
        {"hub.mode": "unsubscribe"},
        {"hub.challenge": ""},
        {"hub.challenge": "\ud800"},
        {"hub.challenge": "1" * 2000},
    ):
        with pytest.raises(NotAuthentic):
            handshake({**query, **wrong}, [whatsapp])
    with pytest.raises(NotAuthentic):
        handshake({}, [whatsapp])
    with pytest.raises(NotAuthentic):
        handshake(query, [])
