"""From a question to a reply, by the best rung of the ladder that holds.

    GROUNDED     the model, on passages that fit
    NOT_KNOWN    no passage fits: said so, with the nearest titles; the model is not asked
    UNGROUNDED   retrieval is down: the model alone, told to say less
    EXTRACTIVE   the model is down, blocked, out of quota or not configured: the best passage quoted
    APOLOGY      neither

`Reply.error` says why it is not a better rung. Nothing here raises on account of a dependency.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from recado.rag import citations, extractive, prompt
from recado.rag.citations import Cited
from recado.rag.errors import ModelError, ModelRefused
from recado.rag.extractive import Thresholds
from recado.rag.followups import is_follow_up, joined
from recado.rag.history import Past
from recado.rag.model import Generation, LanguageModel, Prompt
from recado.rag.prompt import Instructions
from recado.rag.retrieval import Retrieves
from recado.rag.texts import Texts
from recado.schemas.answers import Citation, Retrieval, Rung, Turn, Usage
from recado.servicekit import metrics

NO_MODEL = "no model is configured"

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is said, and what it was made from."""

    text: str
    rung: Rung
    citations: tuple[Citation, ...] = ()
    retrieval: Retrieval | None = None
    prompt_version: str | None = None
    model: str | None = None
    usage: Usage | None = None
    retrieval_took: timedelta | None = None
    generation_took: timedelta | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What came of asking the model."""

    prompt: Prompt
    took: timedelta
    generation: Generation | None = None
    error: str | None = None


class Ladder:
    """Answers questions. `model` is None where none is configured.

    `grounded` takes the place of the instructions for answers that rest on passages.
    """

    def __init__(
        self,
        retriever: Retrieves,
        model: LanguageModel | None,
        texts: Texts,
        thresholds: Thresholds,
        *,
        rewrite_follow_ups: bool = False,
        grounded: Instructions | None = None,
    ) -> None:
        self._retriever = retriever
        self._model = model
        self._texts = texts
        self._thresholds = thresholds
        self._rewrite_follow_ups = rewrite_follow_ups
        self._grounded = grounded or prompt.load_instructions("respuesta")
        self._ungrounded = prompt.load_instructions("sin_fuentes")
        self._standalone = prompt.load_instructions("reformular")

    async def answer(self, question: str, past: Past) -> Reply:
        """The reply to a question."""
        query = await self._query(question, past.turns)
        found, took = await self._retriever.retrieve(query)
        retrieval = found.model_copy(
            update={
                "no_answer_similarity": self._thresholds.no_answer,
                "weak_similarity": self._thresholds.weak,
            }
        )
        if retrieval.error is not None:
            return await self._without_sources(question, past, retrieval, took)
        if not extractive.answerable(retrieval, self._thresholds):
            return Reply(
                text=extractive.not_known(retrieval, self._texts),
                rung=Rung.NOT_KNOWN,
                retrieval=retrieval,
                retrieval_took=took,
            )
        return await self._with_sources(question, past, retrieval, took)

    async def _query(self, question: str, turns: Sequence[Turn]) -> str:
        """The question so that it stands alone: by the model where that is wanted, else by rule."""
        if not (turns and is_follow_up(question)):
            return question
        if self._model is not None and self._rewrite_follow_ups:
            attempt = await self._ask(
                self._model, prompt.standalone(self._standalone, turns, question)
            )
            if attempt.generation is not None:
                return attempt.generation.text
        return joined(question, turns)

    async def _with_sources(
        self, question: str, past: Past, retrieval: Retrieval, retrieval_took: timedelta
    ) -> Reply:
        said = _said_last(past.turns) if is_follow_up(question) else ""
        if self._model is None:
            return self._quoted(retrieval, retrieval_took, NO_MODEL, said=said)
        asked = prompt.grounded(self._grounded, past.turns, retrieval.passages, question)
        attempt = await self._ask(self._model, asked)
        if attempt.generation is None:
            return self._quoted(retrieval, retrieval_took, attempt.error, attempt.took, said=said)
        cited = citations.check(attempt.generation.text, retrieval.passages)
        if cited.unknown:
            log.warning("rag.unknown_citations", numbers=list(cited.unknown))
        if not cited.text:
            error = str(ModelRefused("nothing but citations"))
            return self._quoted(retrieval, retrieval_took, error, attempt.took, said=said)
        return Reply(
            text=self._with_list(cited),
            rung=Rung.GROUNDED,
            citations=cited.citations,
            retrieval=retrieval,
            prompt_version=asked.version,
            model=attempt.generation.model,
            usage=attempt.generation.usage,
            retrieval_took=retrieval_took,
            generation_took=attempt.took,
        )

    async def _without_sources(
        self, question: str, past: Past, retrieval: Retrieval, retrieval_took: timedelta
    ) -> Reply:
        down = f"retrieval: {retrieval.error}"
        if self._model is None:
            return self._apology(past, retrieval, retrieval_took, f"{down}; {NO_MODEL}")
        asked = prompt.ungrounded(self._ungrounded, past.turns, question)
        attempt = await self._ask(self._model, asked)
        # It was given no source, so it can cite none.
        generation = attempt.generation
        text = citations.check(generation.text, ()).text if generation is not None else ""
        if generation is None or not text:
            error = f"{down}; {attempt.error or ModelRefused('nothing but citations')}"
            return self._apology(past, retrieval, retrieval_took, error, attempt.took)
        return Reply(
            text=text,
            rung=Rung.UNGROUNDED,
            retrieval=retrieval,
            prompt_version=asked.version,
            model=generation.model,
            usage=generation.usage,
            retrieval_took=retrieval_took,
            generation_took=attempt.took,
            error=down,
        )

    async def _ask(self, model: LanguageModel, asked: Prompt) -> _Attempt:
        began = time.perf_counter()
        generation: Generation | None = None
        error: str | None = None
        outcome = "ok"
        try:
            generation = await model.generate(asked)
        except ModelError as failure:
            error, outcome = str(failure), type(failure).__name__
            log.warning("rag.model_failed", error=error, kind=outcome)
        took = timedelta(seconds=time.perf_counter() - began)
        metrics.GENERATION_SECONDS.labels(outcome).observe(took.total_seconds())
        if generation is not None and generation.usage is not None:
            metrics.TOKENS.labels("prompt").inc(generation.usage.prompt_tokens)
            written = generation.usage.output_tokens + generation.usage.thinking_tokens
            metrics.TOKENS.labels("output").inc(written)
        return _Attempt(asked, took, generation, error)

    def _quoted(
        self,
        retrieval: Retrieval,
        retrieval_took: timedelta,
        error: str | None,
        generation_took: timedelta | None = None,
        *,
        said: str = "",
    ) -> Reply:
        cited = extractive.quoted(retrieval, self._thresholds, self._texts, said=said)
        return Reply(
            text=cited.text,
            rung=Rung.EXTRACTIVE,
            citations=cited.citations,
            retrieval=retrieval,
            retrieval_took=retrieval_took,
            generation_took=generation_took,
            error=error,
        )

    def _apology(
        self,
        past: Past,
        retrieval: Retrieval,
        retrieval_took: timedelta,
        error: str,
        generation_took: timedelta | None = None,
    ) -> Reply:
        return Reply(
            text=self._texts.get("apology_again" if past.apologised else "apology"),
            rung=Rung.APOLOGY,
            retrieval=retrieval,
            retrieval_took=retrieval_took,
            generation_took=generation_took,
            error=error,
        )

    def _with_list(self, cited: Cited) -> str:
        if not cited.citations:
            return cited.text
        sources = self._texts.get("sources", sources=citations.listed(cited.citations))
        return f"{cited.text}\n\n{sources}"


def _said_last(turns: Sequence[Turn]) -> str:
    return next((turn.text for turn in reversed(turns) if turn.role == "assistant"), "")
