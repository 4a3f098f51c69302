"""Embeddings of the Gemini API, over google-genai 3.4.

What that library leaves to its caller is done here:

- Given a list of strings it makes one content, and so one vector, of them all with
  gemini-embedding-2. Here each text is a content of its own, and the vectors are counted.
- Vectors shorter than the model's own (3072) do not have length 1 with gemini-embedding-001: here
  every vector is brought to it.
- It retries nothing, or with its own option without regard to Retry-After. Here a failure that may
  pass is tried again after as long as the other side asks for, up to `attempts` times and never
  beyond the deadline.

What every caller of the library must do is in `gemini_client`.

Questions and passages are embedded for their tasks, so that a question lies near what answers it:
see `gemini_texts`, with the limits on texts and calls. Few calls are under way at once; batches of
one `embed_passages` go one after another. No error and no log holds a text or the key.

Needs the extra `gemini`.
"""

import asyncio
import math
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
from recado.knowledge.embedders.gemini_errors import GeminiUnavailable, translated
from recado.knowledge.embedders.gemini_texts import Task, batches, prepared, takes_task_types
from recado.knowledge.errors import EmbedderMisconfigured
from recado.knowledge.settings import PUBLIC_ADDRESS

if TYPE_CHECKING:
    from google.genai import types

BACKOFF = wait_random_exponential(multiplier=0.5, max=8)
CONNECT_TIMEOUT = timedelta(seconds=5)

NO_ANSWER_SIMILARITY = 0.55
"""Where no passage is this similar to the question, the knowledge base does not answer it.

Not measured with the real models, whose similarities of unrelated texts lie well above 0: chosen
low, so that rather an off-topic question is tried than a good one refused. Measure it with your own
questions and set RECADO_NO_ANSWER_SIMILARITY.
"""

Outcome = Literal["ok", "quota", "unavailable", "misconfigured"]


@dataclass(frozen=True, slots=True)
class GeminiEmbedderOptions:
    """How the API is asked. The timeouts are deadlines of a query, and of one batch of passages,
    retries and the wait for a free place included: a quota of a minute may make a batch wait."""

    model: str = "gemini-embedding-001"
    dimensions: int = 768
    base_url: str = PUBLIC_ADDRESS
    query_timeout: timedelta = timedelta(seconds=10)
    batch_timeout: timedelta = timedelta(minutes=3)
    attempt_timeout: timedelta = timedelta(seconds=30)
    attempts: int = 5
    concurrent_calls: int = 4


class GeminiEmbedder:
    """Implements `recado.knowledge.port.Embedder`. One of it serves the whole process.

    `observe` is told the outcome of every request to the API. A client that is given stays the
    caller's to close. Raises EmbedderMisconfigured where key, model or dimensions are not taken.
    """

    no_answer_similarity = NO_ANSWER_SIMILARITY

    def __init__(
        self,
        api_key: SecretStr,
        options: GeminiEmbedderOptions,
        *,
        http: httpx.AsyncClient | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        observe: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        self.name = f"{options.model}/{options.dimensions}"
        self.dimensions = options.dimensions
        self._options = options
        self._own_http = http is None
        self._http = http or httpx.AsyncClient(
            timeout=httpx.Timeout(
                options.attempt_timeout.total_seconds(), connect=CONNECT_TIMEOUT.total_seconds()
            )
        )
        self._sleep = sleep
        self._observe = observe
        self._calling = asyncio.Semaphore(options.concurrent_calls)
        self._client = GeminiClient(
            api_key,
            base_url=options.base_url,
            attempt_timeout=options.attempt_timeout,
            http=self._http,
        )

    async def load(self) -> None:
        """Import the library now, off the event loop, so that no customer waits for it."""
        await self._client.load()

    async def aclose(self) -> None:
        """Close the connections. Nothing can be embedded afterwards."""
        if self._own_http:
            await self._http.aclose()

    async def embed_query(self, text: str) -> list[float]:
        await self.load()
        query = prepared(text, Task.QUERY, self._options.model)
        (vector,) = await self._persistently([query], Task.QUERY, self._options.query_timeout)
        return vector

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        await self.load()
        passages = [prepared(text, Task.PASSAGE, self._options.model) for text in texts]
        vectors: list[list[float]] = []
        for batch in batches(passages, self.dimensions):
            vectors += await self._persistently(batch, Task.PASSAGE, self._options.batch_timeout)
        return vectors

    async def _persistently(
        self, texts: Sequence[str], task: Task, timeout: timedelta
    ) -> list[list[float]]:
        seconds = timeout.total_seconds()
        attempts = AsyncRetrying(
            retry=retry_if_exception(_may_pass),
            wait=_wait,
            sleep=self._sleep,
            stop=stop_after_attempt(self._options.attempts) | stop_before_delay(seconds),
            reraise=True,
        )
        try:
            async with asyncio.timeout(seconds):
                return await attempts(self._observed, texts, task)
        except TimeoutError as error:
            raise GeminiUnavailable(f"no answer within {seconds:g} s") from error

    async def _observed(self, texts: Sequence[str], task: Task) -> list[list[float]]:
        try:
            async with self._calling:
                vectors = self._checked(await self._asked(texts, task), len(texts))
        except GeminiUnavailable as error:
            self._observe("quota" if error.quota else "unavailable")
            raise
        except EmbedderMisconfigured:
            self._observe("misconfigured")
            raise
        self._observe("ok")
        return vectors

    async def _asked(self, texts: Sequence[str], task: Task) -> "types.EmbedContentResponse":
        from google.genai import types

        contents: list[types.ContentUnion] = [
            types.Content(parts=[types.Part(text=text)]) for text in texts
        ]
        config = types.EmbedContentConfig(
            task_type=task.value if takes_task_types(self._options.model) else None,
            output_dimensionality=self.dimensions,
        )
        try:
            return await self._client.models.embed_content(
                model=self._options.model, contents=contents, config=config
            )
        except Exception as error:
            known = translated(error, self.name)
            if known is None:
                raise
            raise known from None  # what was raised may hold the other side's words

    def _checked(self, response: "types.EmbedContentResponse", asked: int) -> list[list[float]]:
        """One vector a text, each of length 1. Raises for anything else."""
        given = [one.values or [] for one in response.embeddings or []]
        if len(given) != asked:
            raise EmbedderMisconfigured(self.name, f"{len(given)} vectors came for {asked} texts")
        for values in given:
            if len(values) != self.dimensions:
                raise EmbedderMisconfigured(self.name, f"its vectors have {len(values)} dimensions")
        return [_unit(values) for values in given]


def _unit(values: Sequence[float]) -> list[float]:
    length = math.hypot(*values)
    if not 0 < length < math.inf:
        raise GeminiUnavailable("the answer is not what the API documents")
    return [value / length for value in values]


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, GeminiUnavailable) and not error.lasting


def _wait(state: RetryCallState) -> float:
    """As long as the other side asks for, and then the backoff, so that not all come at once."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, GeminiUnavailable) else None
    return BACKOFF(state) + (asked.total_seconds() if asked else 0.0)
