"""What differs between the answer that was given and the one of a replay."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from recado.rag.ladder import NO_MODEL
from recado.rag.replay.cases import Case, Outcome
from recado.schemas.events import AnswerGenerated

SIDE = {
    "text",
    "rung",
    "citations",
    "retrieval",
    "prompt_version",
    "model",
    "usage",
    "timings",
    "error",
    "introduces",
}
"""What an answer is shown with; the rest is the same on both sides, or times."""


class Change(StrEnum):
    """What an answer may differ in."""

    RUNG = "rung"
    CITATIONS = "citations"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One case beside its outcome. `delivery` is what became of the answer of then."""

    case: Case
    outcome: Outcome
    delivery: str | None = None

    @property
    def changes(self) -> tuple[Change, ...]:
        """In what they differ; nothing where there is no answer of now."""
        then, now = self.case.answer, self.outcome.now
        if now is None:
            return ()
        differs = {
            Change.RUNG: then.rung is not now.rung,
            Change.CITATIONS: then.citations != now.citations,
            Change.TEXT: then.text != now.text,
        }
        return tuple(change for change, so in differs.items() if so)

    @property
    def same(self) -> bool:
        """Whether the customer would read the very same, on the same rung."""
        return self.outcome.now is not None and not self.changes

    @property
    def failed_now(self) -> str | None:
        """What failed in the replay. Not what failed then: that is frozen, too."""
        now = self.outcome.now
        failed = None if now is None else lowered_by(now)
        return None if failed == lowered_by(self.case.answer) else failed

    def as_json(self) -> dict[str, JsonValue]:
        """For programs: the question, and both answers with what they were made from."""
        then, now = self.case.answer, self.outcome.now
        return {
            "answer_id": str(then.id),
            "message_ids": [str(one) for one in then.message_ids],
            "conversation": then.conversation,
            "at": then.occurred_at.isoformat(),
            "question": question(self.case),
            "delivery": self.delivery,
            "lowered_by": lowered_by(then),
            "same": self.same,
            "changes": [change.value for change in self.changes],
            "problem": self.outcome.problem,
            "then": _side(then),
            "now": None if now is None else _side(now),
        }


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each. A changed one may count for its rung and its citations, too."""

    replayed: int = 0
    same: int = 0
    changed: int = 0
    rung_changed: int = 0
    citations_changed: int = 0
    without_answer: int = 0
    """Those that have no answer of now."""
    lowered_then: int = 0
    """Those whose answer of then rests on a lower rung, for something failed."""
    lowered_now: int = 0
    """The same of the answer of now: it tells nothing about the variation."""

    @classmethod
    def of(cls, comparisons: Iterable[Comparison]) -> "Counts":
        """Count."""
        all_ = list(comparisons)
        return cls(
            replayed=len(all_),
            same=sum(one.same for one in all_),
            changed=sum(bool(one.changes) for one in all_),
            rung_changed=sum(Change.RUNG in one.changes for one in all_),
            citations_changed=sum(Change.CITATIONS in one.changes for one in all_),
            without_answer=sum(one.outcome.now is None for one in all_),
            lowered_then=sum(lowered_by(one.case.answer) is not None for one in all_),
            lowered_now=sum(one.failed_now is not None for one in all_),
        )


def question(case: Case) -> str:
    """What the customer wrote."""
    return "\n".join(message.text or f"({message.kind.value})" for message in case.messages)


def lowered_by(answer: AnswerGenerated) -> str | None:
    """What failed when the answer was made, so that it is not what a customer should get.

    That no model is configured is no failure.
    """
    reasons = [one for one in (answer.error or "").split("; ") if one and one != NO_MODEL]
    return "; ".join(reasons) or None


def _side(answer: AnswerGenerated) -> dict[str, JsonValue]:
    side: dict[str, JsonValue] = answer.model_dump(mode="json", include=SIDE)
    return side
