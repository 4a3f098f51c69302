"""Cases answered once more by the code that answers customers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from recado.knowledge.connect import make_embedder, make_knowledge
from recado.rag import choices, prompt, texts
from recado.rag.answering import Answering
from recado.rag.errors import RagError
from recado.rag.extractive import Thresholds
from recado.rag.ladder import Ladder
from recado.rag.model import LanguageModel
from recado.rag.prompt import Instructions
from recado.rag.replay.cases import Answerer, Case, Outcome, Source, Variation
from recado.rag.replay.frozen import (
    FrozenConversations,
    FrozenRetriever,
    exchanges_before,
    thresholds_of,
)
from recado.rag.retrieval import Retriever, Retrieves
from recado.rag.settings import RagSettings
from recado.rag.texts import Texts


class CannotReplay(RagError):
    """What the variation asks for is not there. The message says what is missing."""


class Replayer:
    """Answers cases. `live` is None where the passages are the recorded ones.

    So are the thresholds then, as far as they were recorded; else those given here count.
    """

    def __init__(
        self,
        catalogue: Texts,
        thresholds: Thresholds,
        *,
        model: LanguageModel | None = None,
        live: Retrieves | None = None,
        passages: int | None = None,
        grounded: Instructions | None = None,
        rewrite_follow_ups: bool = False,
        deadline: timedelta = timedelta(minutes=15),
    ) -> None:
        self._texts = catalogue
        self._thresholds = thresholds
        self._model = model
        self._live = live
        self._passages = passages
        self._grounded = grounded
        # A frozen search has its answer already: a question worded for it would cost for nothing.
        self._rewrite_follow_ups = rewrite_follow_ups and live is not None
        self._deadline = deadline

    async def replay(self, case: Case) -> Outcome:
        """The answer of now. Never raises on account of a dependency or of the case."""
        then = case.answer
        ladder = Ladder(
            self._live or FrozenRetriever(then, self._passages),
            self._model,
            self._texts,
            self._thresholds if self._live else thresholds_of(then, self._thresholds),
            rewrite_follow_ups=self._rewrite_follow_ups,
            grounded=self._grounded,
        )
        conversations = FrozenConversations(then)
        answering = Answering(conversations, ladder, self._texts, deadline=self._deadline)
        try:
            now = await answering.answer(case.messages, exchanges_before(then, self._texts))
        except RagError as error:
            return Outcome(answer_id=then.id, problem=str(error))
        return Outcome(answer_id=then.id, now=now)


@asynccontextmanager
async def replayer(settings: RagSettings, variation: Variation) -> AsyncIterator[Replayer]:
    """A replayer that is ready. Raises `CannotReplay`."""
    async with AsyncExitStack() as parts:
        embedder = make_embedder(settings)
        parts.push_async_callback(embedder.aclose)
        live: Retriever | None = None
        if variation.retrieval is Source.LIVE:
            knowledge = make_knowledge(settings, embedder)
            parts.push_async_callback(knowledge.close)
            live = Retriever(
                knowledge,
                passages=variation.passages or settings.passages,
                timeout=settings.retrieval_timeout,
                embedder=embedder.name,
            )
            await embedder.load()
            if (problem := await live.problem()) is not None:
                raise CannotReplay(f"the knowledge base can't be searched: {problem}")
        model = None
        if variation.answerer is Answerer.GEMINI:
            http = await parts.enter_async_context(choices.http_client(settings))
            if variation.model is not None:
                settings = settings.model_copy(update={"gemini_model": variation.model})
            model = choices.gemini(settings, http)
            if model is None:
                raise CannotReplay("--answerer gemini needs RECADO_GEMINI_API_KEY")
            await model.load()
        file = variation.prompt
        yield Replayer(
            texts.load(),
            choices.thresholds(settings, embedder),
            model=model,
            live=live,
            passages=variation.passages,
            grounded=(
                None if file is None else prompt.instructions_from(file.name, file.content.encode())
            ),
            rewrite_follow_ups=settings.rewrite_follow_ups,
            deadline=settings.answer_deadline,
        )


async def replay_all(
    replayer: Replayer,
    cases: AsyncIterator[Case],
    concurrency: int,
    done: Callable[[Outcome], None],
) -> None:
    """Call `done` with the outcome of each case, in their order, with so many under way at most."""
    under_way: asyncio.Queue[asyncio.Task[Outcome] | None] = asyncio.Queue()
    free = asyncio.Semaphore(concurrency)

    async def begin() -> None:
        async for case in cases:
            await free.acquire()
            under_way.put_nowait(tasks.create_task(replayer.replay(case)))
        under_way.put_nowait(None)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(begin())
        while (task := await under_way.get()) is not None:
            done(await task)
            # Only now: one that is finished and not yet handed on counts, too.
            free.release()
