"""What google-genai and the HTTP client raise, as this service's own errors.

Three families come out of one call: the library's `APIError` for a status that is not 200, its
`UnknownApiResponseError` for a 200 that is no JSON, such as a proxy's HTML page (and whatever its
conversion of the JSON stumbles over when that has another shape), and the transport's own
exceptions for time-outs and dropped connections.

Sources: ai.google.dev/gemini-api/docs/troubleshooting (statuses; a wrong key is 400 with
API_KEY_INVALID), google.rpc.RetryInfo and QuotaFailure in `error.details`.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from recado.rag.errors import (
    ModelError,
    ModelMisconfigured,
    ModelQuota,
    ModelRefused,
    ModelUnavailable,
)

CONFIGURATION = frozenset({401, 403, 404})
MAY_PASS = frozenset({408, 500, 502, 503, 504})
QUOTA = 429
CONFIGURATION_WORDS = ("API_KEY_INVALID", "API_KEY_EXPIRED", "FAILED_PRECONDITION")
"""Reasons and statuses of a 400 that no other prompt would change."""

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
"""Of the library, over an answer: `UnknownApiResponseError` and pydantic's are ValueErrors."""

_DELAY = re.compile(r"(?P<seconds>\d+(?:\.\d+)?)s")


def translated(error: Exception) -> ModelError | None:
    """The error as one of ours, or None for one that is not the other side's doing."""
    from google.genai import errors

    if isinstance(error, errors.APIError):
        return _of_status(error.code, error.status, error.details, _headers(error))
    if isinstance(error, httpx.HTTPError):
        return ModelUnavailable(type(error).__name__)
    if isinstance(error, UNREADABLE):
        return ModelUnavailable("the answer is not what the API documents")
    return None


def _of_status(
    code: int, status: str | None, details: object, headers: Mapping[str, str]
) -> ModelError:
    named = status or str(code)
    if code == QUOTA:
        lasting = any("PerDay" in quota for quota in _quotas(details))
        return ModelQuota(_retry_after(details, headers), lasting=lasting)
    if code in CONFIGURATION:
        return ModelMisconfigured(code, named)
    if code in MAY_PASS:
        return ModelUnavailable(f"{code} {named}", _retry_after(details, headers))
    reasons = {named, *_reasons(details)}
    for word in CONFIGURATION_WORDS:
        if word in reasons:
            return ModelMisconfigured(code, word)
    if 400 <= code < 500:
        return ModelRefused(f"{code} {named}")
    return ModelUnavailable(f"{code} {named}", _retry_after(details, headers))


def _headers(error: Exception) -> Mapping[str, str]:
    response = getattr(error, "response", None)
    return response.headers if isinstance(response, httpx.Response) else {}


def _retry_after(details: object, headers: Mapping[str, str]) -> timedelta | None:
    """The longer of what RetryInfo and the header Retry-After ask for."""
    asked = [wait for wait in (_from_details(details), _from_header(headers)) if wait is not None]
    return max(asked, default=None)


def _from_details(details: object) -> timedelta | None:
    for detail in _details(details):
        delay = detail.get("retryDelay")
        found = _DELAY.fullmatch(delay) if isinstance(delay, str) else None
        if found:
            return timedelta(seconds=float(found["seconds"]))
    return None


def _from_header(headers: Mapping[str, str]) -> timedelta | None:
    """RFC 9110, section 10.2.3: seconds or a date."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return timedelta(seconds=int(value))
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(until - datetime.now(UTC), timedelta(0))


def _reasons(details: object) -> Iterator[str]:
    for detail in _details(details):
        if isinstance(reason := detail.get("reason"), str):
            yield reason


def _quotas(details: object) -> Iterator[str]:
    for detail in _details(details):
        violations = detail.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict) and isinstance(name := violation.get("quotaId"), str):
                yield name


def _details(body: object) -> Iterator[Mapping[str, object]]:
    """`error.details` of an error's JSON body, whatever the rest of it looks like."""
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            yield detail
