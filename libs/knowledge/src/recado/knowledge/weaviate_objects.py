"""Chunks and manifests as Weaviate's objects, and the names of versions."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID, uuid4, uuid5

from weaviate.classes.data import DataObject
from weaviate.collections.classes.types import WeaviateProperties

from recado.knowledge.model import Chunk, Document, Passage, StoredDocument
from recado.knowledge.port import Embedder
from recado.knowledge.weaviate_stems import stemmed


class StoredChunk(TypedDict):
    """The properties of a chunk, of those that are read back."""

    document: UUID
    version: str
    position: int
    title: str
    section: str
    text: str
    page: int | None
    source: str
    content_sha256: str
    language: str


class StoredManifest(TypedDict):
    """The properties of a manifest."""

    source: str
    title: str
    content_sha256: str
    chunks: int
    version: str
    fingerprint: str
    revision: str


READ_OF_CHUNK = list(StoredChunk.__annotations__)
Object = DataObject[WeaviateProperties, None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is visible of a document: the chunks whose `version` is this one.

    `fingerprint` tells whether writing again would change anything. `revision` is drawn at each
    change of the manifest, so that no two states of a document are ever taken for one another.
    """

    document: StoredDocument
    version: str
    fingerprint: str
    revision: str


def fingerprint(
    document: Document, embedder: Embedder, chunks: Sequence[Chunk] | None = None
) -> str:
    """What a version is made of. None for `chunks` that come in parts and are not known yet."""
    digest = hashlib.sha256()
    named = [document.title, document.language, document.content_sha256]
    made_of = [*named, embedder.name, embedder.dimensions]
    digest.update(_json([*made_of, "in parts" if chunks is None else "whole"]))
    for chunk in chunks or ():
        digest.update(_json([chunk.title, chunk.section, chunk.text, chunk.page, chunk.source]))
    return digest.hexdigest()


def next_version(document_id: UUID, before: Manifest | None, made_of: str) -> str:
    """What the chunks are marked with that take the place of `before`.

    It follows from what is stored and what comes, so that a writer that begins again after a crash
    overwrites what it left. A version that comes back later has another mark than before, so no
    late deletion of the old chunks can meet the new ones.
    """
    revision = before.revision if before is not None else ""
    return hashlib.sha256(_json([str(document_id), revision, made_of])).hexdigest()[:32]


def chunk_objects(
    chunks: Iterable[Chunk], vectors: Iterable[Sequence[float]], version: str, part: int
) -> list[Object]:
    """The same chunk of the same version is always the same object."""
    return [
        DataObject(
            uuid=uuid5(chunk.document_id, f"{version}/{chunk.position}"),
            vector=list(vector),
            properties={
                "document": chunk.document_id,
                "version": version,
                "part": part,
                "position": chunk.position,
                "title": chunk.title,
                "section": chunk.section,
                "text": chunk.text,
                "page": chunk.page,
                "source": chunk.source,
                "content_sha256": chunk.content_sha256,
                "language": chunk.language,
                "stems": stemmed(chunk.searchable),
            },
        )
        for chunk, vector in zip(chunks, vectors, strict=True)
    ]


def manifest_object(document: Document, chunks: int, version: str, made_of: str) -> Object:
    return DataObject(
        uuid=document.id,
        properties={
            "source": document.source,
            "title": document.title,
            "content_sha256": document.content_sha256,
            "chunks": chunks,
            "version": version,
            "fingerprint": made_of,
            "revision": uuid4().hex,
        },
    )


def manifest(document_id: UUID, properties: StoredManifest) -> Manifest:
    return Manifest(
        document=StoredDocument(
            id=document_id,
            source=properties["source"],
            title=properties["title"],
            content_sha256=properties["content_sha256"],
            chunks=properties["chunks"],
        ),
        version=properties["version"],
        fingerprint=properties["fingerprint"],
        revision=properties["revision"],
    )


def passage(properties: StoredChunk, *, score: float, similarity: float) -> Passage:
    return Passage(
        document_id=properties["document"],
        position=properties["position"],
        title=properties["title"],
        section=properties["section"],
        text=properties["text"],
        page=properties["page"],
        source=properties["source"],
        content_sha256=properties["content_sha256"],
        language=properties["language"],
        score=score,
        similarity=similarity,
    )


def _json(values: Sequence[object] | Mapping[str, object]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()
