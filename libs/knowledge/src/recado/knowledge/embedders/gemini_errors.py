"""What google-genai and the HTTP client raise over an embedding, as this library's own errors.

    KnowledgeUnavailable
    └── GeminiUnavailable      with how long to wait, and whether waiting helps at all
    EmbedderMisconfigured      key, model or size: every further call would fail the same way

Only statuses and names of exceptions are told: what the other side writes may repeat a text.

Source: ai.google.dev/gemini-api/docs/troubleshooting (statuses; a wrong key is 400 with
API_KEY_INVALID).
"""

from datetime import timedelta

import httpx

from recado.knowledge.embedders.gemini_details import lasts_all_day, reasons, retry_after
from recado.knowledge.errors import EmbedderMisconfigured, KnowledgeError, KnowledgeUnavailable

_QUOTA = 429
_REQUEST_TIMEOUT = 408
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
"""Of the library, over an answer: `UnknownApiResponseError` and pydantic's are ValueErrors."""


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
        return _of_status(
            embedder, error.code, error.status, error.details, retry_after(error, error.details)
        )
    if isinstance(error, httpx.HTTPError):
        return GeminiUnavailable(type(error).__name__)
    if isinstance(error, _UNREADABLE):
        return GeminiUnavailable("the answer is not what the API documents")
    return None


def _of_status(
    embedder: str, code: int, status: str | None, details: object, wait: timedelta | None
) -> KnowledgeError:
    told = f"{code} {status or ''}".strip()
    if code == _QUOTA:
        lasting = lasts_all_day(details)
        return GeminiUnavailable(f"quota, {told}", wait, quota=True, lasting=lasting)
    if 400 <= code < 500 and code != _REQUEST_TIMEOUT:
        # The texts are made to fit, so it is not for them that it refuses.
        named = " ".join([told, *reasons(details)])
        return EmbedderMisconfigured(embedder, f"the API refuses its key, model or size: {named}")
    return GeminiUnavailable(told, wait)
