"""The knowledge base: one port, its stores and its embedders.

A document is cut into chunks (`chunking`), a store embeds and keeps them (`port`, `lancedb`),
and a search gives back passages: chunks with how well they fit. What a service needs is in
`model`, `port` and `errors`; the stores, embedders and parsers are imported by name, because
each of them stands behind an optional extra of this package.
"""

from recado.knowledge.chunking import ChunkingOptions, chunk_document
from recado.knowledge.errors import (
    InvalidDocument,
    KnowledgeError,
    KnowledgeMisconfigured,
    KnowledgeUnavailable,
)
from recado.knowledge.model import (
    Chunk,
    Document,
    Passage,
    SearchResult,
    Section,
    StoredDocument,
)
from recado.knowledge.port import Embedder, KnowledgeBase, KnowledgeReader

__all__ = [
    "Chunk",
    "ChunkingOptions",
    "Document",
    "Embedder",
    "InvalidDocument",
    "KnowledgeBase",
    "KnowledgeError",
    "KnowledgeMisconfigured",
    "KnowledgeReader",
    "KnowledgeUnavailable",
    "Passage",
    "SearchResult",
    "Section",
    "StoredDocument",
    "chunk_document",
]
