"""Ids, what is embedded, and what is refused before any store is asked."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from recado.knowledge.blocks import heading
from recado.knowledge.errors import InvalidDocument, KnowledgeMisconfigured
from recado.knowledge.model import Chunk, Document, Passage, SearchResult
from recado.knowledge.port import (
    MAX_PASSAGES,
    MAX_QUERY_CHARACTERS,
    check_replacement,
    check_search,
)

CHUNK = Chunk(
    document_id=UUID("8a0f1c9e-2f5b-4a3e-9c1d-0d5b6a7e8f90"),
    position=0,
    title="Planes",
    section="Hogar",
    text="Elige:\n\n| Plan | Precio |\n| --- | ---: |\n| 600 | 34 dólares |",
    page=None,
    source="planes.md",
    content_sha256="a" * 64,
)
DOCUMENT = Document(
    id=CHUNK.document_id,
    source="planes.md",
    title="Planes",
    language="es",
    content_sha256="a" * 64,
    sections=(),
)


def passage(similarity: float, score: float) -> Passage:
    return Passage(
        document_id=CHUNK.document_id,
        position=0,
        title="",
        section="",
        text="",
        page=None,
        source="",
        content_sha256="",
        score=score,
        similarity=similarity,
    )


def test_a_chunk_s_id_depends_on_document_and_position_only() -> None:
    assert CHUNK.id == replace(CHUNK, text="otro", content_sha256="b" * 64).id
    assert CHUNK.id != replace(CHUNK, position=1).id
    assert CHUNK.id != replace(CHUNK, document_id=UUID(int=1)).id


def test_what_is_embedded_holds_title_and_section_and_no_table_rules() -> None:
    assert CHUNK.searchable == "Planes\nHogar\nElige:\n\nPlan, Precio\n600, 34 dólares"


def test_what_is_embedded_says_headings_like_sentences() -> None:
    text = "### Roja\n\nSin señal.\n\n### ¿Y ahora?\n\n- #hola"
    assert replace(CHUNK, text=text).searchable == (
        "Planes\nHogar\nRoja.\n\nSin señal.\n\n¿Y ahora?\n\n- #hola"
    )


def test_a_heading_is_one_line_whatever_is_in_it() -> None:
    assert heading(" Luces\n\ny  botones ") == "### Luces y botones"


def test_a_result_s_similarity_is_that_of_its_most_similar_passage() -> None:
    passages = (passage(0.3, score=0.9), passage(0.5, score=0.8))
    assert SearchResult(passages, timedelta()).similarity == 0.5
    assert SearchResult((), timedelta()).similarity == -1.0


def test_a_query_is_trimmed_and_bounded() -> None:
    assert check_search("  hola \n", 5) == "hola"
    assert len(check_search("x" * 10_000, 5)) == MAX_QUERY_CHARACTERS


@pytest.mark.parametrize("n", [0, -1, MAX_PASSAGES + 1])
def test_a_number_of_passages_out_of_bounds_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="between 1 and"):
        check_search("hola", n)


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ([], "no text"),
        ([replace(CHUNK, content_sha256="b" * 64)], "another document or version"),
        ([replace(CHUNK, document_id=UUID(int=1))], "another document or version"),
        ([CHUNK, CHUNK], "chunk 0 stands where 1 belongs"),
    ],
)
def test_chunks_that_are_not_the_document_s_are_refused(chunks: list[Chunk], reason: str) -> None:
    with pytest.raises(InvalidDocument, match=reason) as refused:
        check_replacement(DOCUMENT, chunks)
    assert refused.value.source == "planes.md"


def test_a_misconfiguration_says_what_differs() -> None:
    error = KnowledgeMisconfigured(
        "passages", {"embedder": ("use", "gemini"), "dimensions": ("512", "768")}
    )
    assert str(error) == (
        "collection 'passages' does not fit: dimensions is 512 in the store and 768 here;"
        " embedder is use in the store and gemini here"
    )
