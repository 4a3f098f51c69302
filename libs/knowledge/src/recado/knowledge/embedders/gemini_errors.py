"""What google-genai and the HTTP client raise over an embedding, as this library's own errors.

    KnowledgeUnavailable
    └── GeminiUnavailable      with how long to wait, and whether waiting helps at all
    EmbedderMisconfigured      key, model or size: every further call would fail the same way

Only statuses and names of exceptions are told: what the other side writes may repeat a text.

Sources: ai.google.dev/gemini-api/docs/troubleshooting (statuses; a wrong key is 400 with
API_KEY_INVALID), google.rpc.RetryInfo and QuotaFailure in `error.details`.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from recado.knowledge.errors import EmbedderMisconfigured, KnowledgeError, KnowledgeUnavailable

_QUOTA = 429
_REQUEST_TIMEOUT = 408
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
"""Of the library, over an answer: `UnknownApiResponseError` and pydantic's are ValueErrors."""

_DELAY = re.compile(r"(?P<seconds>\d+(?:\.\d+)?)s")


class GeminiUnavailable(KnowledgeUnavailable):
    """The API did not answer this time. `lasting`: it will not within the hour either."""

    def __init__(
        self,
        reason: str,
        retry_after: timedelta | None = None,
        *,
        quota: bool = False,
        lasting: bool = False,
    ) -> None:
        self.retry_after = retry_after
        self.quota = quota
        self.lasting = lasting
        super().__init__(f"the embedding model is unavailable: {reason}")


def translated(error: Exception, embedder: str) -> KnowledgeError | None:
    """The error as one of ours, or None for one that is not the other side's doing."""
    from google.genai import errors

    if isinstance(error, errors.APIError):
        return _of_status(embedder, error.code, error.status, error.details, _headers(error))
    if isinstance(error, httpx.HTTPError):
        return GeminiUnavailable(type(error).__name__)
    if isinstance(error, _UNREADABLE):
        return GeminiUnavailable("the answer is not what the API documents")
    return None


def _of_status(
    embedder: str, code: int, status: str | None, details: object, headers: Mapping[str, str]
) -> KnowledgeError:
    told = f"{code} {status or ''}".strip()
    wait = _retry_after(details, headers)
    if code == _QUOTA:
        lasting = any("PerDay" in quota for quota in _quotas(details))
        return GeminiUnavailable(f"quota, {told}", wait, quota=True, lasting=lasting)
    if 400 <= code < 500 and code != _REQUEST_TIMEOUT:
        # The texts are made to fit, so it is not for them that it refuses.
        reasons = " ".join([told, *_reasons(details)])
        return EmbedderMisconfigured(embedder, f"the API refuses its key, model or size: {reasons}")
    return GeminiUnavailable(told, wait)


def _headers(error: Exception) -> Mapping[str, str]:
    response = getattr(error, "response", None)
    return response.headers if isinstance(response, httpx.Response) else {}


def _retry_after(details: object, headers: Mapping[str, str]) -> timedelta | None:
    """The longer of what RetryInfo and the header Retry-After (RFC 9110, 10.2.3) ask for."""
    asked = [wait for wait in (_of_details(details), _of_header(headers)) if wait is not None]
    return max(asked, default=None)


def _of_details(details: object) -> timedelta | None:
    for detail in _details(details):
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and (found := _DELAY.fullmatch(delay)):
            return timedelta(seconds=float(found["seconds"]))
    return None


def _of_header(headers: Mapping[str, str]) -> timedelta | None:
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return timedelta(seconds=int(value))
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(until - datetime.now(UTC), timedelta(0))


def _reasons(details: object) -> Iterator[str]:
    for detail in _details(details):
        if isinstance(reason := detail.get("reason"), str) and reason.isidentifier():
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
