"""Types that credentials and addresses in the integrations file have in common."""

import hmac
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr


def _header_safe(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError("must be visible ASCII characters without spaces")
    return secret


def _web_address(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an http or https address without query or fragment")
    return address.rstrip("/")


Secret = Annotated[SecretStr, Field(min_length=1)]
"""A secret that is never empty: an empty key would make every signature easy to forge."""

HeaderSecret = Annotated[SecretStr, Field(min_length=1), AfterValidator(_header_safe)]
"""A secret that travels in an HTTP header or address."""

BaseUrl = Annotated[str, AfterValidator(_web_address)]
"""Where a platform's API is, without a slash at the end."""


def matches_any(given: bytes, expected: Iterable[bytes]) -> bool:
    """Whether `given` is one of `expected`: in constant time, and all of them are compared."""
    found = False
    for one in expected:
        found |= hmac.compare_digest(given, one)
    return found


def redact(text: str, hidden: Iterable[str]) -> str:
    """The text with every hidden string in it blotted out.

    For what a platform answers: Meta quotes a malformed access token in its error message.
    """
    for word in hidden:
        if word:
            text = text.replace(word, "***")
    return text
