"""What the indexer can be told."""

from pydantic import Field

from recado.knowledge.settings import KnowledgeSettings
from recado.servicekit.settings import ConsumerSettings

DEFAULT_PORT = 9003


class IndexerSettings(KnowledgeSettings, ConsumerSettings):
    """The indexer's settings."""

    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535, description="Health and metrics")
    concurrency: int = Field(
        default=4, ge=1, le=1000, description="So many documents at most are worked on at once"
    )
    chunk_target: int = Field(default=900, gt=0, description="Characters that a chunk should have")
    chunk_maximum: int = Field(default=1400, gt=0, description="Characters that a chunk may have")
