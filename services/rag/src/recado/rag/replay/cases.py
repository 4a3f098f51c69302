"""What goes into a replay and what comes out. Each model is one line of JSON."""

from enum import StrEnum
from pathlib import Path
from uuid import UUID

from pydantic import Field

from recado.schemas.base import Model
from recado.schemas.events import AnswerGenerated, MessageReceived

MOST_PASSAGES = 50
MOST_AT_ONCE = 32


class Answerer(StrEnum):
    """Who words the answers."""

    GEMINI = "gemini"
    KEYLESS = "keyless"


class Source(StrEnum):
    """Where the passages come from."""

    FROZEN = "frozen"  # those that the answer event recorded
    LIVE = "live"  # a search in the knowledge base as it is now


class PromptFile(Model):
    """Instructions for grounded answers; `name` is the file's, without its ending."""

    name: str = Field(min_length=1)
    content: str = Field(min_length=1)


class Variation(Model):
    """How a replay differs from what was done. Left out: as the settings say, or as recorded."""

    answerer: Answerer = Answerer.KEYLESS
    retrieval: Source = Source.FROZEN
    passages: int | None = Field(default=None, ge=1, le=MOST_PASSAGES)
    prompt: PromptFile | None = None
    model: str | None = Field(default=None, min_length=1)


class Order(Model):
    """What the replaying process is told when it is started."""

    variation: Variation
    concurrency: int = Field(default=4, ge=1, le=MOST_AT_ONCE)
    environment_file: Path | None = Field(
        default=None, description="Settings of a demo; the environment comes first"
    )


class Case(Model):
    """An answer that was given, and the messages that it answers, in their order."""

    messages: tuple[MessageReceived, ...] = Field(min_length=1)
    answer: AnswerGenerated


class Outcome(Model):
    """The answer of now, or why there is none."""

    answer_id: UUID
    now: AnswerGenerated | None = None
    problem: str | None = None
