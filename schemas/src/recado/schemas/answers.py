"""What rag and operators write: answers, and who is in charge of a conversation."""

from datetime import timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import Field

from recado.schemas.base import Model, Moment
from recado.schemas.conversations import ReplyTo


class Rung(StrEnum):
    """What an answer rests on: the rungs of the ladder from best to least, and what needs none."""

    GROUNDED = "grounded"  # the model, on passages of the knowledge base
    UNGROUNDED = "ungrounded"  # the model alone, retrieval being down
    EXTRACTIVE = "extractive"  # the best passage, quoted and cited
    NOT_KNOWN = "not_known"  # nothing near enough in the knowledge base
    APOLOGY = "apology"  # neither retrieval nor model
    COMMAND = "command"  # the answer to a command
    NOTICE = "notice"  # a fixed line: a kind that can't be read


class Citation(Model):
    """A source that the answer names, by its number in the text. `page` is where the passage
    begins, from 1; None where the file has no pages."""

    number: int = Field(ge=1)
    document_id: UUID
    chunk_id: UUID
    title: str
    source: str
    section: str = ""
    page: int | None = Field(default=None, ge=1)


class RetrievedPassage(Model):
    """A passage as it was given to the model. `score` ranks; `similarity` is absolute, 0 to 1."""

    chunk_id: UUID
    document_id: UUID
    title: str
    source: str
    section: str = ""
    page: int | None = Field(default=None, ge=1)
    text: str
    score: float
    similarity: float


class Retrieval(Model):
    """What was looked up, so that an answer can be replayed with the retrieval frozen."""

    query: str
    n: int = Field(ge=1)
    passages: tuple[RetrievedPassage, ...] = Field(description="Best first")
    error: str | None = Field(default=None, description="Why retrieval gave nothing")
    embedder: str | None = Field(
        default=None, description="Model and variant on whose scale `similarity` is"
    )
    no_answer_similarity: float | None = Field(
        default=None, description="With nothing so similar the question counted as not known"
    )
    weak_similarity: float | None = Field(
        default=None, description="A passage below it was quoted as a guess only"
    )


class Turn(Model):
    """One turn of the conversation so far, as the model saw it."""

    role: Literal["user", "assistant"]
    text: str
    at: Moment


class Usage(Model):
    """Tokens, as the model counted them."""

    prompt_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    thinking_tokens: int = Field(default=0, ge=0)
    cached_tokens: int = Field(default=0, ge=0)


class Timings(Model):
    """How long each step took; None where a step was not taken."""

    history: timedelta | None = None
    retrieval: timedelta | None = None
    generation: timedelta | None = None
    total: timedelta


class AnswerGenerated(Model):
    """The assistant's final answer to one or more messages of a conversation.

    It carries all that it was made from. Alone it is enough to send the answer.
    """

    type: Literal["answer.generated"] = "answer.generated"
    id: UUID = Field(description="Derived from `message_ids`")
    occurred_at: Moment
    conversation: str
    reply_to: ReplyTo
    message_ids: tuple[UUID, ...] = Field(min_length=1, description="What it answers")
    quoted_message_id: str | None = Field(
        default=None, description="The platform's id of the last message that it answers"
    )
    text: str = Field(min_length=1, description="A small Markdown; citations as [n]")
    rung: Rung
    citations: tuple[Citation, ...] = ()
    retrieval: Retrieval | None = None
    history: tuple[Turn, ...] = ()
    prompt_version: str | None = Field(default=None, description="Name and hash of the prompt")
    model: str | None = None
    usage: Usage | None = None
    timings: Timings
    error: str | None = Field(default=None, description="Why it is not on a better rung")
    introduces: bool = Field(
        default=False, description="Says that an automatic assistant answers (first contact)"
    )
    resets_history: bool = Field(
        default=False, description="What was said before the message answered here is forgotten"
    )
    opts_out: bool | None = Field(
        default=None,
        description="True: the customer wants no automatic answers from here on; false: wants "
        "them again; null: as before",
    )
    received_at: Moment = Field(description="When ingress took the oldest message answered")
    deadline: Moment = Field(description="Not sent after this")


class OperatorReplied(Model):
    """A person wrote to the customer. Sent like an answer, hand-off or not."""

    type: Literal["operator.replied"] = "operator.replied"
    id: UUID
    occurred_at: Moment
    conversation: str
    reply_to: ReplyTo
    operator: str
    text: str = Field(min_length=1)
    deadline: Moment


class HandoffRequested(Model):
    """From here on a person answers in this conversation; the assistant's answers are not sent."""

    type: Literal["handoff.requested"] = "handoff.requested"
    id: UUID
    occurred_at: Moment
    conversation: str
    reason: str


class HandoffReleased(Model):
    """The assistant answers again."""

    type: Literal["handoff.released"] = "handoff.released"
    id: UUID
    occurred_at: Moment
    conversation: str
    operator: str
