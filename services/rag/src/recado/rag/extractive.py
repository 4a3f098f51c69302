"""Answers without a model: the best passage, quoted and cited; or that there is none.

A question can be answered when the similarity of any passage reaches the threshold of the embedder;
quoted is the one that the search ranks first. Where that one is not very similar (its words fit),
the answer says that it is not sure and offers the next titles.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from recado.rag import citations
from recado.rag.citations import Cited
from recado.rag.plain import for_chat
from recado.rag.texts import Texts
from recado.schemas.answers import Retrieval, RetrievedPassage

MAX_TITLES = 3


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Similarities: below `no_answer` nothing fits, below `weak` it may not be what was meant."""

    no_answer: float
    weak: float


def answerable(retrieval: Retrieval, thresholds: Thresholds) -> bool:
    """Whether anything that was found fits the question."""
    return any(passage.similarity >= thresholds.no_answer for passage in retrieval.passages)


def quoted(retrieval: Retrieval, thresholds: Thresholds, texts: Texts) -> Cited:
    """The best passage, for a chat, as source 1. Only for what is `answerable`."""
    best = retrieval.passages[0]
    weak = best.similarity < thresholds.weak
    cited = citations.cite(1, best)
    parts = [
        texts.get("extract_weak" if weak else "extract", passage=f"{for_chat(best.text)} [1]"),
        texts.get("sources", sources=citations.listed((cited,))),
    ]
    others = titles([one for one in retrieval.passages if one.document_id != best.document_id])
    if weak and others:
        parts.append(texts.get("did_you_mean", titles=_as_list(others)))
    return Cited("\n\n".join(parts), (cited,), ())


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
