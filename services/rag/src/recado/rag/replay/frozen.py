"""The past of an answer as its event recorded it, in the place of MongoDB and of the search."""

from datetime import timedelta
from uuid import NAMESPACE_OID, uuid5

from recado.rag.errors import HistoryUnavailable, RagError
from recado.rag.extractive import Thresholds
from recado.rag.history import Conversation, Entry, Exchange
from recado.rag.texts import Texts
from recado.schemas.answers import AnswerGenerated, Retrieval, Rung

HISTORY_AWAY = "history: unavailable"
"""What `Answering` puts into `error` where MongoDB could not be read."""


class NotRecorded(RagError):
    """The answer was given without a search, so there are no passages to freeze."""


class FrozenRetriever:
    """Implements `Retrieves` with the passages that an answer event has, whatever the query.

    With `passages` no more than so many of them. An error of then is an error again.
    """

    def __init__(self, answer: AnswerGenerated, passages: int | None = None) -> None:
        self._recorded = answer.retrieval
        self._passages = passages

    async def retrieve(self, query: str) -> tuple[Retrieval, timedelta]:
        """See `Retrieves.retrieve`; it takes no time. Raises `NotRecorded`."""
        if self._recorded is None:
            raise NotRecorded("no search was recorded for it; it needs --retrieval live")
        return cut(self._recorded, self._passages), timedelta(0)


def cut(retrieval: Retrieval, passages: int | None) -> Retrieval:
    """The same with the best so many passages."""
    if passages is None or passages >= retrieval.n:
        return retrieval
    return retrieval.model_copy(update={"n": passages, "passages": retrieval.passages[:passages]})


def thresholds_of(answer: AnswerGenerated, otherwise: Thresholds) -> Thresholds:
    """Those that the answer was made with; `otherwise` for an event that doesn't tell them."""
    recorded = answer.retrieval
    if recorded is None or recorded.no_answer_similarity is None:
        return otherwise
    weak = recorded.weak_similarity
    return Thresholds(recorded.no_answer_similarity, otherwise.weak if weak is None else weak)


class FrozenConversations:
    """Implements `Conversations` with what an answer event tells of its conversation.

    Not the turns: those are in `exchanges_before`, where they count also without MongoDB.
    """

    def __init__(self, answer: AnswerGenerated) -> None:
        self._away = HISTORY_AWAY in (answer.error or "")
        # An answer that introduces the assistant is one to somebody who was not told before.
        self._introduced = not answer.introduces

    async def read(self, conversation: str) -> Conversation:
        """See `Conversations.read`. Raises `HistoryUnavailable` where it was so then."""
        if self._away:
            raise HistoryUnavailable("as it was then")
        return Conversation(introduced=self._introduced)


def exchanges_before(answer: AnswerGenerated, texts: Texts) -> tuple[Exchange, ...]:
    """The recorded turns, as one exchange that stands for all before the answer."""
    entries = tuple(
        Entry(uuid5(NAMESPACE_OID, f"{answer.id}/{number}"), turn.role, turn.text, turn.at)
        for number, turn in enumerate(answer.history)
    )
    return (
        Exchange(
            answer_id=uuid5(NAMESPACE_OID, str(answer.id)),
            at=answer.received_at,
            rung=Rung.APOLOGY if _apologised_before(answer, texts) else Rung.NOTICE,
            introduces=False,
            resets_history=False,
            entries=entries,
        ),
    )


def _apologised_before(answer: AnswerGenerated, texts: Texts) -> bool:
    """Whether the answer before was an apology: an apology says so, else the turn before it."""
    if answer.rung is Rung.APOLOGY:
        return texts.get("apology_again") in answer.text
    said = next((turn.text for turn in reversed(answer.history) if turn.role == "assistant"), "")
    return said.endswith((texts.get("apology"), texts.get("apology_again")))
