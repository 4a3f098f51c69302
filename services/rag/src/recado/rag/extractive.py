"""Answers without a model: the best passage, quoted and cited; or that there is none.

A question can be answered when the similarity of any passage reaches the threshold of the embedder;
quoted is the one that the search ranks first, and after it what else was found on the same page, as
far as there is room: an introduction alone helps nobody. In a follow-up what the last answer quoted
already is passed over. Where the passage is not very similar (its words fit), the answer says that
it is not sure and offers the next titles.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from recado.rag import citations
from recado.rag.citations import Cited
from recado.rag.plain import MAX_CHARACTERS, for_chat
from recado.rag.texts import Texts
from recado.schemas.answers import Citation, Retrieval, RetrievedPassage

MAX_TITLES = 3
LEAST_ROOM = 250
"""Characters. A further passage is not begun in less."""
BEGINNING = 100
"""Characters that tell whether a passage was quoted before."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Similarities: below `no_answer` nothing fits, below `weak` it may not be what was meant."""

    no_answer: float
    weak: float


def answerable(retrieval: Retrieval, thresholds: Thresholds) -> bool:
    """Whether anything that was found fits the question."""
    return any(passage.similarity >= thresholds.no_answer for passage in retrieval.passages)


def quoted(retrieval: Retrieval, thresholds: Thresholds, texts: Texts, *, said: str = "") -> Cited:
    """The best passages of one page, for a chat, numbered from 1. Only for what is `answerable`.

    `said` is what the customer was told last, if they ask on from there.
    """
    unsaid = [one for one in retrieval.passages if not said or _beginning(one) not in said]
    candidates = unsaid or list(retrieval.passages)
    best = candidates[0]
    weak = best.similarity < thresholds.weak
    quotes, cited = _quotes([one for one in candidates if one.document_id == best.document_id])
    parts = [
        texts.get("extract_weak" if weak else "extract", passage="\n\n".join(quotes)),
        texts.get("sources", sources=citations.listed(cited)),
    ]
    others = titles([one for one in retrieval.passages if one.document_id != best.document_id])
    if weak and others:
        parts.append(texts.get("did_you_mean", titles=_as_list(others)))
    return Cited("\n\n".join(parts), cited, ())


def _quotes(passages: Sequence[RetrievedPassage]) -> tuple[list[str], tuple[Citation, ...]]:
    """As many of the passages as fit, each with its number; the first one always."""
    quotes: list[str] = []
    cited: list[Citation] = []
    room = MAX_CHARACTERS
    for passage in passages:
        if quotes and room < LEAST_ROOM:
            break
        number = len(quotes) + 1
        headed = f"### {passage.section}\n\n{passage.text}" if quotes and passage.section else None
        quote = for_chat(headed or passage.text, room)
        quotes.append(f"{quote} [{number}]")
        cited.append(citations.cite(number, passage))
        room -= len(quote)
    return quotes, tuple(cited)


def _beginning(passage: RetrievedPassage) -> str:
    return for_chat(passage.text)[:BEGINNING]


def not_known(retrieval: Retrieval, texts: Texts) -> str:
    """That nothing fits, and the titles that come nearest."""
    nearest = sorted(retrieval.passages, key=lambda passage: -passage.similarity)
    if not nearest:
        return texts.get("not_known")
    return texts.get("not_known_near", titles=_as_list(titles(nearest)))


def titles(passages: Sequence[RetrievedPassage]) -> tuple[str, ...]:
    """The titles of the first passages, each once."""
    return tuple(dict.fromkeys(passage.title for passage in passages))[:MAX_TITLES]


def _as_list(names: Sequence[str]) -> str:
    return "\n".join(f"- {name}" for name in names)
