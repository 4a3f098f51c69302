"""What the indexer can be told."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from recado.servicekit.settings import ConsumerSettings

DEFAULT_PORT = 9003


class IndexerSettings(ConsumerSettings):
    """The indexer's settings."""

    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535, description="Health and metrics")
    knowledge: Literal["lancedb"] = Field(
        default="lancedb", description="Which store holds the knowledge base"
    )
    lancedb_path: Path = Field(
        default=Path(".recado/knowledge"), description="LanceDB: the folder of the store"
    )
    chunk_target: int = Field(default=900, gt=0, description="Characters that a chunk should have")
    chunk_maximum: int = Field(default=1400, gt=0, description="Characters that a chunk may have")
