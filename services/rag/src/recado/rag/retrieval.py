"""The search in the knowledge base, bounded in time, and as the answer event carries it.

A search never fails here: what went wrong is `Retrieval.error`, and the answer goes one rung down.
"""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import structlog

from recado.knowledge import (
    KnowledgeError,
    KnowledgeMisconfigured,
    KnowledgeReader,
    KnowledgeUnavailable,
    Passage,
)
from recado.knowledge.port import MAX_QUERY_CHARACTERS
from recado.schemas.answers import Retrieval, RetrievedPassage
from recado.servicekit import metrics

_LOOK = timedelta(seconds=1)
"""For `misconfigured`, within what readiness gives a check."""

log = structlog.stdlib.get_logger(__name__)


class Retrieves(Protocol):
    """Finds passages: in the knowledge base, or in what was found for an answer before."""

    async def retrieve(self, query: str) -> tuple[Retrieval, timedelta]:
        """What was found for the query, best first, and how long it took."""
        ...


class Retriever:
    """Searches `knowledge`, which it opens when it is first needed and then until that works.

    `embedder` is the name of the one that the similarities come from.
    """

    def __init__(
        self,
        knowledge: KnowledgeReader,
        *,
        passages: int = 5,
        timeout: timedelta,
        embedder: str | None = None,
    ) -> None:
        self._knowledge = knowledge
        self._passages = passages
        self._timeout = timeout
        self._embedder = embedder
        self._opened = False
        self._refused: str | None = None

    async def retrieve(self, query: str) -> tuple[Retrieval, timedelta]:
        """See `Retrieves.retrieve`."""
        began = time.perf_counter()
        query = query.strip()[:MAX_QUERY_CHARACTERS]
        passages: tuple[Passage, ...] = ()
        error: str | None = None
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                await self._open()
                passages = (await self._knowledge.search(query, self._passages)).passages
            self._refused = None
        except (KnowledgeError, TimeoutError) as failure:
            error = type(failure).__name__
            self._note(failure)
            log.warning("rag.retrieval_failed", error=error, reason=str(failure))
        took = timedelta(seconds=time.perf_counter() - began)
        metrics.RETRIEVAL_SECONDS.labels("unavailable" if error else "ok").observe(
            took.total_seconds()
        )
        found = tuple(_as_event(passage) for passage in passages)
        retrieval = Retrieval(
            query=query,
            n=self._passages,
            passages=found,
            error=error,
            embedder=self._embedder,
        )
        return retrieval, took

    async def check(self) -> None:
        """Raise KnowledgeMisconfigured if the store can be reached and does not fit."""
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                await self._open()
        except (KnowledgeUnavailable, TimeoutError) as failure:
            error = type(failure).__name__
            log.warning("rag.knowledge_unavailable", error=error, reason=str(failure))

    async def problem(self) -> str | None:
        """What keeps a search from being answered now; None where nothing does."""
        try:
            await self._open()
            await self._knowledge.ready()
        except KnowledgeError as failure:
            self._note(failure)
            return str(failure)
        return self._refused

    async def misconfigured(self) -> str | None:
        """What only an operator can mend, now or when it was last searched; None: nothing known.

        An outage is none. It is not waited for either.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK.total_seconds()):
                await self.problem()
        return self._refused

    def _note(self, failure: KnowledgeError | TimeoutError) -> None:
        """Readiness asks the store; the embedder's key shows in searches only, so this lasts."""
        if isinstance(failure, KnowledgeMisconfigured):
            self._refused = str(failure)

    async def _open(self) -> None:
        if not self._opened:
            await self._knowledge.open()
            self._opened = True


def _as_event(passage: Passage) -> RetrievedPassage:
    return RetrievedPassage(
        chunk_id=passage.id,
        document_id=passage.document_id,
        title=passage.title,
        source=passage.source,
        section=passage.section,
        page=passage.page,
        text=passage.text,
        score=passage.score,
        similarity=passage.similarity,
    )
