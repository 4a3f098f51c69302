"""Pages to put into a knowledge base, and short ways to do it and to look."""

from collections.abc import Callable
from uuid import UUID, uuid5

from recado.knowledge import (
    ChunkingOptions,
    Document,
    Embedder,
    KnowledgeBase,
    Section,
    chunk_document,
)

Connect = Callable[[Embedder], KnowledgeBase]
"""Makes another connection to one and the same store."""

APART = ChunkingOptions(pack=0)
"""Each section its own chunk, so that a page of two is two."""
NAMESPACE = UUID("0b6f2c1e-6f0a-4d55-8a52-6d1f1c2b3a4d")


def page(source: str, title: str, *texts: str, version: str = "1") -> Document:
    return Document(
        id=uuid5(NAMESPACE, source),
        source=source,
        title=title,
        language="es",
        content_sha256=version * 64,
        sections=tuple(Section((f"Parte {n}",), text) for n, text in enumerate(texts, start=1)),
    )


ROUTER = page("router.md", "El router", "Reinicia el router con el botón.", "La luz roja avisa.")
CAMERAS = page("camaras.md", "Cámaras", "Instala la cámara de seguridad en la pared.")
BILLS = page("facturas.md", "Facturas", "Paga tu factura en línea o en efectivo.")


async def put(base: KnowledgeBase, *documents: Document) -> None:
    for document in documents:
        await base.replace(document, chunk_document(document, APART))


async def sources(base: KnowledgeBase, query: str, n: int = 5) -> list[str]:
    return [found.source for found in (await base.search(query, n)).passages]
