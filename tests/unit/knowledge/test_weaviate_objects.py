"""Names of versions: what they follow from, and what they tell apart."""

from dataclasses import replace
from uuid import UUID

from recado.knowledge import Chunk, Document, chunk_document
from recado.knowledge.model import StoredDocument
from recado.knowledge.testing import WordEmbedder
from recado.knowledge.weaviate_objects import (
    Manifest,
    chunk_objects,
    fingerprint,
    manifest_object,
    next_version,
)
from support.knowledge import APART, ROUTER

EMBEDDER = WordEmbedder()
CHUNKS = chunk_document(ROUTER, APART)


def published(revision: str) -> Manifest:
    document = StoredDocument(ROUTER.id, ROUTER.source, ROUTER.title, ROUTER.content_sha256, 2)
    return Manifest(document, version="v", fingerprint="f", revision=revision)


def whole(document: Document = ROUTER, chunks: list[Chunk] = CHUNKS) -> str:
    return fingerprint(document, EMBEDDER, chunks)


def test_a_writer_that_begins_again_writes_under_the_same_names() -> None:
    names = {next_version(ROUTER.id, published("r1"), whole()) for _ in range(2)}
    assert len(names) == 1
    (version,) = names
    twice = [chunk_objects(CHUNKS, [[1.0], [1.0]], version, 0) for _ in range(2)]
    assert [one.uuid for one in twice[0]] == [one.uuid for one in twice[1]]
    assert len({one.uuid for one in twice[0]}) == 2


def test_a_version_that_comes_back_has_another_name_than_before() -> None:
    before = [None, published("r1"), published("r2")]
    assert len({next_version(ROUTER.id, one, whole()) for one in before}) == 3


def test_whatever_would_be_stored_otherwise_changes_the_fingerprint() -> None:
    other = WordEmbedder("other", 64)
    made_of = {
        whole(),
        whole(replace(ROUTER, title="Otro título")),
        whole(replace(ROUTER, content_sha256="2" * 64)),
        whole(chunks=CHUNKS[:1]),
        whole(chunks=[replace(CHUNKS[0], text="Otro texto."), CHUNKS[1]]),
        whole(chunks=[replace(CHUNKS[0], page=7), CHUNKS[1]]),
        fingerprint(ROUTER, other, CHUNKS),
        fingerprint(ROUTER, EMBEDDER),
    }
    assert len(made_of) == 8


def test_the_fingerprint_of_a_version_in_parts_is_known_before_its_chunks() -> None:
    unknown = replace(ROUTER, sections=())
    assert fingerprint(ROUTER, EMBEDDER) == fingerprint(unknown, EMBEDDER)


def test_each_state_of_a_document_has_a_revision_of_its_own() -> None:
    made = [manifest_object(ROUTER, 2, "v", "f").properties["revision"] for _ in range(2)]
    assert made[0] != made[1]
    assert manifest_object(ROUTER, 2, "v", "f").uuid == UUID(str(ROUTER.id))
