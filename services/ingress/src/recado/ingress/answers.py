"""What is answered to a webhook request."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache

from recado.ingress.errors import TurnedAway, Unavailable
from recado.schemas.webhooks import WebhookOutcome

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

NO_PROTECTION = "came without an id of the platform: there is no protection against repeats"
UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `outcome` is a `WebhookOutcome` or `unavailable`, for metrics."""

    status: int
    outcome: str
    body: bytes
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def accepted(
    outcome: WebhookOutcome,
    *,
    messages: int,
    statuses: int,
    repeats: int,
    without_id: int,
    error: str | None,
) -> Answer:
    """200: everything is in Kafka. Says what was found, and what could not be read of it.

    `repeats` is how many of both were in Kafka already, `without_id` how many of the messages came
    without an id of the platform.
    """
    # Nearly all answers are one of a few. Errors are of any number and may be long.
    make = _receipt if error else _remembered_receipt
    return make(outcome, messages, statuses, repeats, without_id, error)


def _receipt(
    outcome: WebhookOutcome,
    messages: int,
    statuses: int,
    repeats: int,
    without_id: int,
    error: str | None,
) -> Answer:
    content: dict[str, str | int] = {
        "status": outcome.value,
        "messages": messages,
        "statuses": statuses,
    }
    if repeats:
        content["repeats"] = repeats
    if without_id:
        content["warning"] = f"{without_id} of them {NO_PROTECTION}"
    if error is not None:
        content["error"] = error
    return Answer(200, outcome.value, _json(content))


_remembered_receipt = lru_cache(256)(_receipt)


def verified(challenge: str) -> Answer:
    """200: the platform's challenge, as text."""
    return Answer(200, WebhookOutcome.VERIFIED.value, challenge.encode(), media_type=TEXT)


def refused(turned: TurnedAway) -> Answer:
    """4xx: what is wrong with the request."""
    outcome = WebhookOutcome.REJECTED.value
    body = _json({"status": outcome, "error": turned.reason})
    return Answer(turned.status, outcome, body, headers=turned.headers)


def unavailable(failure: Unavailable, retry_after: timedelta) -> Answer:
    """503: nothing is claimed, send it again. Telegram's server honours `Retry-After`
    (tdlib/telegram-bot-api, WebhookActor.cpp)."""
    body = _json({"status": UNAVAILABLE, "error": str(failure)})
    return Answer(503, UNAVAILABLE, body, headers={"Retry-After": in_seconds(retry_after)})


def in_seconds(retry_after: timedelta) -> str:
    """As the header has it: whole seconds, rather more than less."""
    return str(math.ceil(retry_after.total_seconds()))


def _json(content: Mapping[str, str | int]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
