"""What an error of the Gemini API says besides its status, for all who call that API.

Nothing here raises, whatever the other side sends, and nothing returns words of a text: only waits
and names. Sources: google.rpc.RetryInfo, ErrorInfo and QuotaFailure in `error.details`, and
RFC 9110, 10.2.3 (Retry-After).

Needs httpx, which the extra `gemini` brings.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

_DELAY = re.compile(r"(?P<seconds>\d{1,9}(?:\.\d+)?)s", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


def retry_after(error: Exception, details: object) -> timedelta | None:
    """The longer of what RetryInfo and the header ask for; None where neither does."""
    asked = [
        wait for wait in (_of_details(details), _of_header(_headers(error))) if wait is not None
    ]
    return max(asked, default=None)


def lasts_all_day(details: object) -> bool:
    """Whether it is a quota of a day that is used up."""
    return any("PerDay" in quota for quota in _quotas(details))


def reasons(details: object) -> Iterator[str]:
    """The reasons' names, such as API_KEY_INVALID."""
    for detail in _details(details):
        if isinstance(reason := detail.get("reason"), str) and reason.isidentifier():
            yield reason


def _headers(error: Exception) -> Mapping[str, str]:
    response = getattr(error, "response", None)
    return response.headers if isinstance(response, httpx.Response) else {}


def _of_details(details: object) -> timedelta | None:
    for detail in _details(details):
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and (found := _DELAY.fullmatch(delay)):
            return timedelta(seconds=float(found["seconds"]))
    return None


def _of_header(headers: Mapping[str, str]) -> timedelta | None:
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return timedelta(seconds=int(value))
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(until - datetime.now(UTC), timedelta(0))


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
