"""The record of a webhook request: what came, what became of it, what was answered."""

import base64
import codecs
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from recado.schemas.base import unchecked
from recado.schemas.webhooks import (
    MAX_PAYLOAD_BYTES,
    AccountChange,
    WebhookOutcome,
    WebhookReceived,
)

MAX_REJECTED_PAYLOAD_BYTES = 16 * 1024
"""Of a request that is not authentic only the beginning is kept: anybody can send those."""

MAX_NAME_LENGTH = 64
MAX_ERROR_LENGTH = 1000

OK = 200

VERIFICATION = "verification"
"""Event type of a platform's handshake."""

UNKNOWN = "unknown"
"""Event type of what was not, or could not be, read."""

_received = unchecked(WebhookReceived)


def record(
    *,
    id: UUID,  # noqa: A002 - the event's own name
    received_at: datetime,
    platform: str,
    integration: str | None,
    event_type: str,
    outcome: WebhookOutcome,
    status: int = OK,
    error: str | None = None,
    body: bytes = b"",
    event_ids: Sequence[UUID] = (),
    repeats: int = 0,
    account_changes: Sequence[AccountChange] = (),
) -> WebhookReceived:
    """The event that tells of a request. Names and errors of any length are cut to fit."""
    limit = MAX_PAYLOAD_BYTES
    if outcome is WebhookOutcome.REJECTED:
        limit = MAX_REJECTED_PAYLOAD_BYTES
    payload, encoding = as_text(body, limit)
    return _received(
        id=id,
        occurred_at=received_at,
        platform=platform[:MAX_NAME_LENGTH],
        integration=None if integration is None else integration[:MAX_NAME_LENGTH],
        event_type=event_type[:MAX_NAME_LENGTH],
        outcome=outcome,
        status=status,
        error=None if error is None else error[:MAX_ERROR_LENGTH],
        payload=payload,
        payload_encoding=encoding,
        payload_bytes=len(body),
        payload_sha256=hashlib.sha256(body).hexdigest(),
        payload_cut=len(body) > limit,
        event_ids=tuple(event_ids),
        repeats=repeats,
        account_changes=tuple(account_changes),
    )


def as_text(body: bytes, limit: int) -> tuple[str, Literal["utf-8", "base64"]]:
    """The first `limit` bytes as text; as base64 where they are not UTF-8.

    A character that the limit goes through is left out.
    """
    kept = body[:limit]
    try:
        if len(body) <= limit:
            return body.decode(), "utf-8"
        return codecs.getincrementaldecoder("utf-8")().decode(kept), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(kept).decode("ascii"), "base64"
