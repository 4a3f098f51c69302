"""Gemini behind the port of the language model, over google-genai 3.4.

What that library leaves to its caller is done here:

- It retries nothing, or with its own option without regard to Retry-After. Here a failure that may
  pass is tried again after as long as the other side asks for, with jitter, up to `attempts` times
  and never beyond the deadline, which is that of the whole call.
- Its errors are of many families: see `gemini_errors`. A blocked prompt, a stopped or an empty
  answer raises nothing there; here it is `ModelRefused`.

What every caller of the library must do is in `recado.knowledge.embedders.gemini_client`. It is
imported by `load`, and only where there is a key.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import httpx
from pydantic import SecretStr
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from recado.knowledge.embedders.gemini_client import GeminiClient
from recado.knowledge.settings import PUBLIC_ADDRESS
from recado.rag.errors import ModelQuota, ModelRefused, ModelUnavailable
from recado.rag.gemini_errors import translated
from recado.rag.model import Generation, Prompt, PromptTurn
from recado.schemas.answers import Usage

if TYPE_CHECKING:
    from google.genai import types

WHOLE = "STOP"
BACKOFF = wait_random_exponential(multiplier=0.5, max=4)

ThinkingLevel = Literal["", "minimal", "low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class GeminiOptions:
    """How Gemini is asked. `timeout` is the deadline of one call, its retries included."""

    model: str
    base_url: str = PUBLIC_ADDRESS
    timeout: timedelta = timedelta(seconds=20)
    attempts: int = 3
    temperature: float | None = None
    max_output_tokens: int = 2048
    thinking_level: ThinkingLevel = ""


class Gemini:
    """Implements `recado.rag.model.LanguageModel`. The HTTP client stays the caller's to close."""

    def __init__(
        self,
        api_key: SecretStr,
        options: GeminiOptions,
        http: httpx.AsyncClient,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._options = options
        self._sleep = sleep
        self._client = GeminiClient(
            api_key, base_url=options.base_url, attempt_timeout=options.timeout, http=http
        )

    @property
    def name(self) -> str:
        return self._options.model

    async def load(self) -> None:
        """Import the library now, off the event loop, so that no customer waits for it."""
        await self._client.load()

    async def generate(self, prompt: Prompt) -> Generation:
        """See `LanguageModel.generate`."""
        await self.load()
        seconds = self._options.timeout.total_seconds()
        persistently = AsyncRetrying(
            retry=retry_if_exception(_may_pass),
            wait=_wait,
            sleep=self._sleep,
            stop=stop_after_attempt(self._options.attempts) | stop_before_delay(seconds),
            reraise=True,
        )
        try:
            async with asyncio.timeout(seconds):
                return await persistently(self._once, prompt)
        except TimeoutError as error:
            raise ModelUnavailable(f"no answer within {seconds:g} s") from error

    async def _once(self, prompt: Prompt) -> Generation:
        contents = _contents(prompt.turns)
        config = self._config(prompt.instructions)
        try:
            response = await self._client.models.generate_content(
                model=self._options.model, contents=contents, config=config
            )
        except Exception as error:
            known = translated(error)
            if known is None:
                raise
            raise known from error
        return _generation(response, self._options.model)

    def _config(self, instructions: str) -> "types.GenerateContentConfig":
        from google.genai import types

        level = self._options.thinking_level
        return types.GenerateContentConfig(
            system_instruction=instructions,
            temperature=self._options.temperature,
            max_output_tokens=self._options.max_output_tokens,
            thinking_config=(
                types.ThinkingConfig(thinking_level=types.ThinkingLevel(level.upper()))
                if level
                else None
            ),
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )


def _contents(turns: Sequence[PromptTurn]) -> "list[types.ContentUnion]":
    from google.genai import types

    return [types.Content(role=turn.role, parts=[types.Part(text=turn.text)]) for turn in turns]


def _generation(response: "types.GenerateContentResponse", model: str) -> Generation:
    """The whole answer, or `ModelRefused` with the model's own reason."""
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        raise ModelRefused(f"prompt blocked: {feedback.block_reason.value}")
    if not response.candidates:
        raise ModelRefused("no candidates")
    candidate = response.candidates[0]
    finish = None if candidate.finish_reason is None else candidate.finish_reason.value
    if finish not in (None, WHOLE):
        # A half answer is not given to a customer, even where there is text.
        raise ModelRefused(str(finish))
    parts = (candidate.content.parts if candidate.content else None) or []
    text = "".join(part.text for part in parts if part.text and not part.thought).strip()
    if not text:
        raise ModelRefused("no text")
    return Generation(text, response.model_version or model, _usage(response.usage_metadata))


def _usage(counted: "types.GenerateContentResponseUsageMetadata | None") -> Usage | None:
    if counted is None:
        return None
    return Usage(
        prompt_tokens=counted.prompt_token_count or 0,
        output_tokens=counted.candidates_token_count or 0,
        thinking_tokens=counted.thoughts_token_count or 0,
        cached_tokens=counted.cached_content_token_count or 0,
    )


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, ModelQuota):
        return not error.lasting
    return isinstance(error, ModelUnavailable)


def _wait(state: RetryCallState) -> float:
    """As long as the other side asks for, and at least the backoff."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, ModelQuota | ModelUnavailable) else None
    return BACKOFF(state) + (asked.total_seconds() if asked else 0.0)
