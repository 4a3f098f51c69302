"""Which store and which embedder: the settings that rag and the indexer share.

A mixin: a service's settings class takes these fields in beside its own. Both services must be told
the same store and the same embedder; a reader of a collection that another embedder filled stops
with KnowledgeMisconfigured. What they choose is made by `recado.knowledge.connect`.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from recado.knowledge.weaviate_address import Endpoint, WeaviateAddress

PUBLIC_ADDRESS = "https://generativelanguage.googleapis.com"


class KnowledgeSettings(BaseSettings):
    """How to reach the knowledge base, and what turns text into vectors."""

    model_config = SettingsConfigDict(env_prefix="RECADO_", extra="ignore")

    knowledge: Literal["lancedb", "weaviate"] = Field(
        default="lancedb",
        description="Which store holds the knowledge base: a folder of this machine or a server",
    )
    lancedb_path: Path = Field(
        default=Path(".recado/knowledge"), description="LanceDB: the folder of the store"
    )
    weaviate_url: str = Field(
        default="http://127.0.0.1:8080", min_length=1, description="Weaviate: its REST address"
    )
    weaviate_grpc_url: str = Field(
        default="http://127.0.0.1:50051", min_length=1, description="Weaviate: its gRPC address"
    )
    weaviate_api_key: SecretStr | None = Field(
        default=None,
        description="Weaviate: the key, a reader's for rag and a writer's for the indexer",
    )
    weaviate_collection: str = Field(
        default="Recado",
        pattern=r"^[A-Z][A-Za-z0-9_]*$",
        description="Weaviate: what the names of its collections begin with",
    )
    embedder: Literal["keyless", "gemini"] = Field(
        default="keyless",
        description="What turns text into vectors: a model in the process, or the Gemini API",
    )
    embedding_model: str = Field(
        default="gemini-embedding-001", min_length=1, description="The Gemini API's model for it"
    )
    embedding_dimensions: int = Field(
        default=768,
        ge=128,
        le=3072,
        description="Length of that model's vectors; another one needs a new collection",
    )
    gemini_api_key: SecretStr | None = Field(
        default=None, description="Needed where the embedder is `gemini`"
    )
    gemini_base_url: str = Field(
        default=PUBLIC_ADDRESS, min_length=1, description="The Gemini API's address"
    )

    @field_validator("weaviate_url", "weaviate_grpc_url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        Endpoint.of(url)
        return url

    @model_validator(mode="after")
    def _two_addresses(self) -> Self:
        if self.knowledge == "weaviate":
            WeaviateAddress(self.weaviate_url, self.weaviate_grpc_url).endpoints()
        return self

    @model_validator(mode="after")
    def _gemini_needs_a_key(self) -> Self:
        key = self.gemini_api_key
        if self.embedder == "gemini" and (key is None or not key.get_secret_value()):
            raise ValueError("RECADO_EMBEDDER=gemini needs RECADO_GEMINI_API_KEY")
        return self
