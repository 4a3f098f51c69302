"""Everything that comes to an ingress, mixed: what is taken, what is refused, what is sent again.

Each request pretends to come from an address of its own, by the header of a trusted proxy, and what
names nothing that there is names something else each time: whatever is kept by name, id or source
must be bounded, or it grows.
"""

import random
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bench.ingress_requests import (
    PATH,
    PREFIX,
    TELEGRAM_PATH,
    TOKEN,
    post,
    signature,
    telegram_body,
    whatsapp_body,
)

REMEMBERED: Final = 2_000
STATUS: Final = (
    '{"object":"whatsapp_business_account","entry":[{"id":"200000000000001","changes":[{"value":'
    '{"messaging_product":"whatsapp","metadata":{"display_phone_number":"34900000000",'
    '"phone_number_id":"100000000000001"},"statuses":[{"id":"wamid.@ID@","status":"delivered",'
    '"timestamp":"1790000000","recipient_id":"34600000000"}]},"field":"messages"}]}]}'
)
UNREADABLE: Final = (b'{"entry":[', b'{"a":NaN}', b"\xff\xfe", b"[" * 2_000, b'"\\ud800"')


@dataclass(frozen=True, slots=True)
class Request:
    """A request, what it is, and the status that it must get."""

    kind: str
    content: bytes
    status: int


class Mixture:
    """Draws requests."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._lately: deque[bytes] = deque(maxlen=REMEMBERED)
        self._waiting: list[bytes] = []

    def draw(self, number: int) -> list[Request]:
        """So many. What they send again are requests of former draws, which have been answered."""
        self._lately.extend(self._waiting)
        self._waiting.clear()
        kinds = self._rng.choices(
            list(PARTS), weights=[part for part, *_ in PARTS.values()], k=number
        )
        return [self._make(kind) for kind in kinds]

    def _make(self, kind: str) -> Request:
        _, status, make = PARTS[kind]
        if kind == AGAIN and self._lately:
            return Request(kind, self._rng.choice(self._lately), status)
        content = make(self._rng)
        if kind in TAKEN:
            self._waiting.append(content)
        return Request(kind, content, status)


def _from(rng: random.Random) -> str:
    return f"X-Forwarded-For: 10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"


def _signed(rng: random.Random, body: bytes, content_type: str = "application/json") -> bytes:
    return post(PATH, body, signature(body), _from(rng), content_type=content_type)


def _message(rng: random.Random) -> bytes:
    return _signed(rng, whatsapp_body())


def _update(rng: random.Random) -> bytes:
    token = f"X-Telegram-Bot-Api-Secret-Token: {TOKEN}"
    return post(TELEGRAM_PATH, telegram_body(), token, _from(rng))


def _report(rng: random.Random) -> bytes:
    return _signed(rng, STATUS.replace("@ID@", secrets.token_hex(16)).encode())


def _forged(rng: random.Random) -> bytes:
    return post(PATH, whatsapp_body(), signature(b"something else"), _from(rng))


def _wrong_token(rng: random.Random) -> bytes:
    token = f"X-Telegram-Bot-Api-Secret-Token: {secrets.token_hex(16)}"
    return post(TELEGRAM_PATH, telegram_body(), token, _from(rng))


def _no_platform(rng: random.Random) -> bytes:
    body = whatsapp_body()
    return post(f"{PREFIX}{secrets.token_hex(8)}/", body, signature(body), _from(rng))


def _no_integration(rng: random.Random) -> bytes:
    body = whatsapp_body()
    return post(f"{PATH}{secrets.token_hex(8)}/", body, signature(body), _from(rng))


def _unreadable(rng: random.Random) -> bytes:
    return _signed(rng, rng.choice(UNREADABLE) + secrets.token_hex(16).encode())


def _unknown_number(rng: random.Random) -> bytes:
    return _signed(rng, whatsapp_body(str(10**14 + secrets.randbelow(10**14))))


def _no_json(rng: random.Random) -> bytes:
    return _signed(rng, whatsapp_body(), "text/plain")


AGAIN: Final = "sent again"
TAKEN: Final = frozenset({"WhatsApp message", "Telegram update", "WhatsApp report"})
PARTS: Final[Mapping[str, tuple[int, int, Callable[[random.Random], bytes]]]] = MappingProxyType(
    {
        "WhatsApp message": (530, 200, _message),
        "Telegram update": (190, 200, _update),
        "WhatsApp report": (100, 200, _report),
        AGAIN: (70, 200, _message),
        "wrong signature": (30, 401, _forged),
        "wrong secret token": (15, 401, _wrong_token),
        "no such platform": (15, 404, _no_platform),
        "no such integration": (15, 404, _no_integration),
        "signed, unreadable": (20, 200, _unreadable),
        "signed, of an unknown number": (10, 200, _unknown_number),
        "no JSON by its type": (5, 415, _no_json),
    }
)
"""Of a thousand requests, how many are what, and the status of each.

Over 800 are events that were never there: by half of 500,000 requests 200,000 of them have come, so
many as are remembered at most by default, and memory that grows from then on has no such reason.
"""
