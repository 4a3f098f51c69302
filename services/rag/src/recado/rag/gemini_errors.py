"""What google-genai and the HTTP client raise, as this service's own errors.

Three families come out of one call: the library's `APIError` for a status that is not 200, its
`UnknownApiResponseError` for a 200 that is no JSON, such as a proxy's HTML page (and whatever its
conversion of the JSON stumbles over when that has another shape), and the transport's own
exceptions for time-outs and dropped connections.

Source: ai.google.dev/gemini-api/docs/troubleshooting (statuses; a wrong key is 400 with
API_KEY_INVALID).
"""

from datetime import timedelta

import httpx

from recado.knowledge.embedders.gemini_details import lasts_all_day, reasons, retry_after
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


def translated(error: Exception) -> ModelError | None:
    """The error as one of ours, or None for one that is not the other side's doing."""
    from google.genai import errors

    if isinstance(error, errors.APIError):
        return _of_status(
            error.code, error.status, error.details, retry_after(error, error.details)
        )
    if isinstance(error, httpx.HTTPError):
        return ModelUnavailable(type(error).__name__)
    if isinstance(error, UNREADABLE):
        return ModelUnavailable("the answer is not what the API documents")
    return None


def _of_status(
    code: int, status: str | None, details: object, wait: timedelta | None
) -> ModelError:
    named = status or str(code)
    if code == QUOTA:
        return ModelQuota(wait, lasting=lasts_all_day(details))
    if code in CONFIGURATION:
        return ModelMisconfigured(code, named)
    if code in MAY_PASS:
        return ModelUnavailable(f"{code} {named}", wait)
    given = {named, *reasons(details)}
    for word in CONFIGURATION_WORDS:
        if word in given:
            return ModelMisconfigured(code, word)
    if 400 <= code < 500:
        return ModelRefused(f"{code} {named}")
    return ModelUnavailable(f"{code} {named}", wait)
