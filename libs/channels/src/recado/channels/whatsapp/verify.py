"""Meta's handshake and signature.

GET carries `hub.mode`, `hub.verify_token` and `hub.challenge`; the challenge is answered as text.
POST carries `X-Hub-Signature-256: sha256=<hex>`, the HMAC-SHA256 of the raw body with the app
secret (Meta, webhooks/create-webhook-endpoint).
"""

import hmac
import re
from collections.abc import Mapping, Sequence

from recado.channels.contract import Integration, WebhookRequest
from recado.channels.credentials import matches_any
from recado.channels.development import is_local
from recado.channels.errors import NotAuthentic
from recado.channels.lookups import in_order
from recado.channels.whatsapp.numbers import NUMBERS
from recado.channels.whatsapp.settings import WhatsAppIntegration

SIGNATURE_HEADER = "x-hub-signature-256"
_SIGNATURE = re.compile(r"sha256=([0-9a-fA-F]{64})", re.ASCII)
MAX_CHALLENGE_LENGTH = 1024


def handshake(query: Mapping[str, str], integrations: Sequence[WhatsAppIntegration]) -> str:
    """The challenge, if the verify token is that of one of the integrations."""
    if query.get("hub.mode") != "subscribe":
        raise NotAuthentic("hub.mode is not subscribe")
    # A lone surrogate, which a query can hold, must compare as different and not raise.
    given = query.get("hub.verify_token", "").encode(errors="surrogatepass")
    expected = [secret for one in integrations for secret in one.handshake_secrets()]
    if not matches_any(given, expected):
        raise NotAuthentic("hub.verify_token is wrong")
    challenge = query.get("hub.challenge", "")
    if not (challenge.isascii() and challenge.isprintable()):
        raise NotAuthentic("hub.challenge is not plain text")
    if not 0 < len(challenge) <= MAX_CHALLENGE_LENGTH:
        raise NotAuthentic("hub.challenge is missing or too long")
    return challenge


def authenticate(
    request: WebhookRequest, integrations: Sequence[Integration]
) -> tuple[WhatsAppIntegration, ...]:
    """Those whose app secret signed the body; unsigned from loopback, those in development."""
    numbers = NUMBERS.of(integrations)
    header = request.headers.get(SIGNATURE_HEADER)
    if header is None:
        authentic = tuple(one for one in numbers.all if one.development and is_local(request))
        if not authentic:
            raise NotAuthentic("the request is not signed")
        return authentic
    written = _SIGNATURE.fullmatch(header)
    if written is None:
        raise NotAuthentic("the signature is malformed")
    given = bytes.fromhex(written[1])
    # Numbers of one app share its secret: each secret is tried, and once.
    right = [
        signed
        for secret, signed in numbers.by_secret.items()
        if hmac.compare_digest(given, hmac.digest(secret, request.body, "sha256"))
    ]
    if not right:
        raise NotAuthentic("the signature is wrong")
    return in_order(numbers.all, right)
