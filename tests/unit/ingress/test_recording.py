"""The record of a webhook request."""

import base64
import hashlib
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from recado.ingress.recording import MAX_REJECTED_PAYLOAD_BYTES, as_text, record
from recado.schemas.encoding import decode, encode
from recado.schemas.ids import fresh_id
from recado.schemas.webhooks import WebhookOutcome, WebhookReceived
from support.valid import assert_valid

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def made(
    body: bytes = b"",
    *,
    outcome: WebhookOutcome = WebhookOutcome.ACCEPTED,
    platform: str = "whatsapp",
    error: str | None = None,
) -> WebhookReceived:
    return record(
        id=fresh_id(),
        received_at=NOW,
        platform=platform,
        integration="main",
        event_type="message",
        outcome=outcome,
        error=error,
        body=body,
    )


@given(st.binary(max_size=200))
def test_any_body_can_be_had_back_from_its_record(body: bytes) -> None:
    event = made(body)
    assert_valid(event)
    encoded = encode(event, source="ingress")

    read = decode(encoded.headers, encoded.value)

    assert isinstance(read, WebhookReceived)
    if read.payload_encoding == "base64":
        assert base64.b64decode(read.payload) == body
    else:
        assert read.payload.encode() == body
    assert read.payload_sha256 == hashlib.sha256(body).hexdigest()
    assert (read.payload_bytes, read.payload_cut) == (len(body), False)


@given(st.text(max_size=40), st.integers(min_value=0, max_value=60))
def test_a_text_that_is_cut_stays_text_and_loses_no_whole_character(text: str, limit: int) -> None:
    payload, encoding = as_text(text.encode(), limit)

    assert encoding == "utf-8"
    assert text.startswith(payload)
    assert limit - 3 <= len(payload.encode()) <= limit or payload == text


def test_size_and_hash_of_a_cut_payload_are_of_the_whole() -> None:
    body = b"x" * (MAX_REJECTED_PAYLOAD_BYTES + 1)

    event = made(body, outcome=WebhookOutcome.REJECTED)

    assert event.payload == "x" * MAX_REJECTED_PAYLOAD_BYTES
    assert event.payload_cut
    assert event.payload_bytes == len(body)
    assert event.payload_sha256 == hashlib.sha256(body).hexdigest()


def test_an_authentic_body_is_kept_whole_where_a_rejected_one_is_not() -> None:
    assert not made(b"x" * (MAX_REJECTED_PAYLOAD_BYTES + 1)).payload_cut


def test_names_and_errors_of_any_length_are_cut() -> None:
    event = made(platform="p" * 100_000, error="e" * 100_000)

    assert_valid(event)
    assert len(event.platform) < 100
    assert len(event.error or "") <= 1000
