"""What rag can be told."""

from datetime import timedelta

from pydantic import Field, SecretStr

from recado.knowledge.settings import KnowledgeSettings
from recado.rag.gemini import ThinkingLevel
from recado.schemas.deliveries import LONGEST_TO_DELIVER
from recado.servicekit.settings import ConsumerSettings

DEFAULT_PORT = 9001


class RagSettings(KnowledgeSettings, ConsumerSettings):
    """rag's settings."""

    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535, description="Health and metrics")

    passages: int = Field(default=5, ge=1, le=50, description="Passages given to the model")
    retrieval_timeout: timedelta = Field(
        default=timedelta(seconds=5), description="A search that takes longer counts as failed"
    )
    query_cache_entries: int = Field(
        default=1024, ge=1, description="Queries whose vectors are kept in memory"
    )
    no_answer_similarity: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        description="Where no passage is so similar to the question there is no answer to it; "
        "unset: the embedder's own",
    )
    weak_similarity: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        description="Below it a quoted passage is offered as a guess, with other titles; "
        "unset: 0.09 above the former",
    )

    gemini_api_key: SecretStr | None = Field(
        default=None,
        description="Without it answers are quoted from the knowledge base. Needed where the "
        "embedder is `gemini`",
    )
    gemini_model: str = Field(default="gemini-3.8-flash", min_length=1, description="The model")
    gemini_timeout: timedelta = Field(
        default=timedelta(seconds=20), description="Deadline of an answer, retries included"
    )
    gemini_attempts: int = Field(default=3, ge=1, le=10, description="Calls for one answer")
    gemini_temperature: float | None = Field(
        default=0.2, ge=0, le=2, description="How freely the model words its answers"
    )
    gemini_thinking: ThinkingLevel = Field(
        default="", description="How much the model thinks; empty: as the model does by itself"
    )
    max_output_tokens: int = Field(
        default=2048, ge=64, description="Tokens of an answer, the model's thinking included"
    )
    rewrite_follow_ups: bool = Field(
        default=False, description="Have the model word follow-up questions for the search"
    )

    mongodb_url: SecretStr = Field(
        default=SecretStr("mongodb://127.0.0.1:27017"), description="Where conversations are read"
    )
    mongodb_database: str = Field(default="recado", min_length=1, description="Its database")

    settle: timedelta = Field(
        default=timedelta(milliseconds=500),
        ge=timedelta(0),
        description="How long a customer's first message waits for more, which then get one "
        "answer together; every answer to a customer who was silent comes so much later",
    )
    max_coalesced: int = Field(
        default=20, ge=1, le=100, description="Messages that may get one answer together"
    )
    message_max_age: timedelta = Field(
        default=timedelta(hours=12), description="Older messages are not answered"
    )
    answer_deadline: timedelta = Field(
        default=timedelta(minutes=15),
        gt=timedelta(0),
        le=LONGEST_TO_DELIVER,
        description="So long after it was made an answer may be sent",
    )
