"""What the settings choose for an answer: the thresholds, and the model where there is one."""

from datetime import timedelta

import httpx

from recado.knowledge.port import Embedder
from recado.rag.extractive import Thresholds
from recado.rag.gemini import Gemini, GeminiOptions
from recado.rag.settings import RagSettings

CONNECT_TIMEOUT = timedelta(seconds=5)
WEAK_MARGIN = 0.09
"""So far above the threshold of no answer a match is called a sure one; keyless: 0.30."""


def thresholds(settings: RagSettings, embedder: Embedder) -> Thresholds:
    """Those of the embedder, each with its own scale, unless an operator has measured others."""
    no_answer, weak = settings.no_answer_similarity, settings.weak_similarity
    if no_answer is None:
        no_answer = embedder.no_answer_similarity
    return Thresholds(no_answer, no_answer + WEAK_MARGIN if weak is None else weak)


def http_client(settings: RagSettings) -> httpx.AsyncClient:
    """The HTTP client for the model; the caller closes it."""
    seconds = settings.gemini_timeout.total_seconds()
    return httpx.AsyncClient(
        timeout=httpx.Timeout(seconds, connect=CONNECT_TIMEOUT.total_seconds())
    )


def gemini(settings: RagSettings, http: httpx.AsyncClient) -> Gemini | None:
    """The model; None where there is no key for it."""
    if settings.gemini_api_key is None or not settings.gemini_api_key.get_secret_value():
        return None
    options = GeminiOptions(
        model=settings.gemini_model,
        base_url=settings.gemini_base_url,
        timeout=settings.gemini_timeout,
        attempts=settings.gemini_attempts,
        temperature=settings.gemini_temperature,
        max_output_tokens=settings.max_output_tokens,
        thinking_level=settings.gemini_thinking,
    )
    return Gemini(settings.gemini_api_key, options, http)
