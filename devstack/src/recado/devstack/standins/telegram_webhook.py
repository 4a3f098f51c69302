"""A bot's webhook registration: setWebhook, deleteWebhook, getWebhookInfo.

Source: Bot API, setWebhook and WebhookInfo; wording: tdlib/telegram-bot-api. The address is kept
and checked; no update is ever posted to it.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import JsonValue

from recado.devstack.standins.telegram_errors import BadRequest
from recado.devstack.standins.telegram_params import Params, integer, parsed, text

_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_PORTS = frozenset({443, 80, 88, 8443})
_DEFAULT_CONNECTIONS = 40
_MOST_CONNECTIONS = 100


@dataclass(frozen=True, slots=True)
class Webhook:
    """A registration; the secret itself is not kept."""

    url: str = ""
    has_secret: bool = False
    max_connections: int = _DEFAULT_CONNECTIONS
    allowed_updates: tuple[str, ...] = ()

    def info(self) -> dict[str, JsonValue]:
        """As getWebhookInfo shows it."""
        shown: dict[str, JsonValue] = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": 0,
        }
        if self.url:
            shown["max_connections"] = self.max_connections
        if self.allowed_updates:
            shown["allowed_updates"] = list(self.allowed_updates)
        return shown


def read_webhook(params: Params, *, loopback: bool) -> Webhook:
    """The registration that setWebhook asks for; an empty address is none.

    With `loopback`, `http://` and any port are taken when the host is this machine. Raises
    BadRequest.
    """
    url = text(params, "url")
    secret = text(params, "secret_token")
    if secret and not _SECRET.fullmatch(secret):
        raise BadRequest("secret token contains unallowed characters")
    connections = integer(params, "max_connections") or _DEFAULT_CONNECTIONS
    if not 1 <= connections <= _MOST_CONNECTIONS:
        raise BadRequest("max_connections must be between 1 and 100")
    updates = parsed(params, "allowed_updates", "allowed updates")
    if updates is None:
        updates = []
    if not isinstance(updates, list) or not all(isinstance(each, str) for each in updates):
        raise BadRequest("allowed_updates must be an Array of String")
    if url:
        _check_url(url, loopback=loopback)
    return Webhook(url, bool(secret), connections, tuple(str(each) for each in updates))


def _check_url(url: str, *, loopback: bool) -> None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadRequest("bad webhook: Wrong port number specified in the URL") from None
    if loopback and parts.scheme in {"http", "https"} and _is_loopback(host):
        return
    if parts.scheme != "https":
        raise BadRequest("bad webhook: An HTTPS URL must be provided for webhook")
    if not host:
        raise BadRequest("invalid webhook URL specified")
    if port is not None and port not in _PORTS:
        raise BadRequest("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    if _is_loopback(host):
        raise BadRequest("bad webhook: IP address 127.0.0.1 is reserved")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
