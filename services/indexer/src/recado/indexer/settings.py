"""What the indexer can be told."""

from typing import Self

from pydantic import Field, model_validator

from recado.knowledge.chunking import LONGEST_SENTENCE, ChunkingOptions
from recado.knowledge.settings import KnowledgeSettings
from recado.servicekit.settings import ConsumerSettings

DEFAULT_PORT = 9003
_SIZES = ChunkingOptions()


class IndexerSettings(KnowledgeSettings, ConsumerSettings):
    """The indexer's settings."""

    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535, description="Health and metrics")
    concurrency: int = Field(
        default=4, ge=1, le=1000, description="So many documents at most are worked on at once"
    )
    chunk_target: int = Field(
        default=_SIZES.target, gt=0, description="Characters that a chunk should have"
    )
    chunk_maximum: int = Field(
        default=_SIZES.maximum,
        gt=0,
        le=LONGEST_SENTENCE,
        description="Characters that a chunk may have",
    )
    chunk_pack: int = Field(
        default=_SIZES.pack,
        ge=0,
        description="Characters up to which short neighbouring sections share a chunk; 0: none do",
    )

    @property
    def chunking(self) -> ChunkingOptions:
        """How documents are cut."""
        return ChunkingOptions(self.chunk_target, self.chunk_maximum, self.chunk_pack)

    @model_validator(mode="after")
    def _target_within_maximum(self) -> Self:
        if self.chunk_target > self.chunk_maximum:
            raise ValueError("RECADO_CHUNK_TARGET must not be above RECADO_CHUNK_MAXIMUM")
        return self
