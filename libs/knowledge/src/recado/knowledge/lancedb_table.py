"""How chunks lie in a LanceDB table: columns, word index, and what is checked of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypedDict
from uuid import UUID

import pyarrow as pa
from lancedb import AsyncTable
from lancedb.index import FTS

from recado.knowledge.errors import KnowledgeMisconfigured
from recado.knowledge.model import Chunk, Passage
from recado.knowledge.port import Embedder

DEFINITION: Final = "3"
"""Raised when columns or analysis change, so that an older collection is told from a newer one."""

WORDS: Final = "searchable"
"""The column whose words are indexed: title, section path and text."""

LIVE: Final = "live"
"""The column that says whether searches see the row; see `lancedb_staging`."""

WORD_INDEX: Final = FTS(
    language="Spanish",
    stem=True,
    ascii_folding=True,
    lower_case=True,
    remove_stop_words=True,
    with_position=False,  # phrases are not searched
)

_CHECKED_ANALYSIS: Final = ("language", "stem", "ascii_folding", "lower_case", "remove_stop_words")
_METADATA_PREFIX: Final = "recado."


class Row(TypedDict):
    """A row as a query gives it back."""

    document_id: str
    position: int
    title: str
    section: str
    text: str
    page: int | None
    source: str
    content_sha256: str
    language: str


CHUNK_COLUMNS: Final = list(Row.__annotations__)


def table_schema(embedder: Embedder) -> pa.Schema:
    """The columns, and in the metadata who made the vectors."""
    text = pa.string()
    return pa.schema(
        [
            pa.field("id", text, nullable=False),
            pa.field("document_id", text, nullable=False),
            pa.field("position", pa.int32(), nullable=False),
            pa.field("title", text, nullable=False),
            pa.field("section", text, nullable=False),
            pa.field("text", text, nullable=False),
            pa.field("page", pa.int32()),
            pa.field("source", text, nullable=False),
            pa.field("content_sha256", text, nullable=False),
            pa.field("language", text, nullable=False),
            pa.field(WORDS, text, nullable=False),
            pa.field(LIVE, pa.bool_(), nullable=False),
            pa.field("part", pa.int32()),
            pa.field("vector", pa.list_(pa.float32(), embedder.dimensions), nullable=False),
        ],
        metadata={_METADATA_PREFIX + name: value for name, value in _definition(embedder).items()},
    )


async def check_table(table: AsyncTable, embedder: Embedder) -> bool:
    """Raise KnowledgeMisconfigured if the table is not what this process would make.

    False if its word index is not there yet: then its maker is not done with it.
    """
    metadata: Mapping[bytes, bytes] = (await table.schema()).metadata or {}
    differences = {}
    for name, wanted in _definition(embedder).items():
        stored = metadata.get((_METADATA_PREFIX + name).encode(), b"unknown").decode()
        if stored != wanted:
            differences[name] = (stored, wanted)
    indexes = [index for index in await table.list_indices() if index.columns == [WORDS]]
    if indexes:
        analysis = indexes[0].index_details or {}
        for name in _CHECKED_ANALYSIS:
            found, expected = str(analysis.get(name)), str(getattr(WORD_INDEX, name))
            if found != expected:
                differences[f"analysis.{name}"] = (found, expected)
    if differences:
        raise KnowledgeMisconfigured(table.name, differences)
    return bool(indexes)


def rows(
    chunks: Sequence[Chunk],
    vectors: Iterable[Sequence[float]],
    schema: pa.Schema,
    part: int | None = None,
) -> pa.RecordBatch:
    """Chunks and their vectors, in order, as rows: live ones, or those of a part to be staged."""
    flat = pa.array((value for vector in vectors for value in vector), type=pa.float32())
    columns: dict[str, object] = {
        "id": [_row_id(chunk, part) for chunk in chunks],
        "document_id": [str(chunk.document_id) for chunk in chunks],
        "position": [chunk.position for chunk in chunks],
        "title": [chunk.title for chunk in chunks],
        "section": [chunk.section for chunk in chunks],
        "text": [chunk.text for chunk in chunks],
        "page": [chunk.page for chunk in chunks],
        "source": [chunk.source for chunk in chunks],
        "content_sha256": [chunk.content_sha256 for chunk in chunks],
        "language": [chunk.language for chunk in chunks],
        WORDS: [chunk.searchable for chunk in chunks],
        LIVE: [part is None] * len(chunks),
        "part": [part] * len(chunks),
        "vector": pa.FixedSizeListArray.from_arrays(flat, schema.field("vector").type.list_size),
    }
    return pa.RecordBatch.from_pydict(columns, schema=schema)


def _row_id(chunk: Chunk, part: int | None) -> str:
    """A staged chunk lies beside the live one of its position."""
    return str(chunk.id) if part is None else f"{chunk.id}/{chunk.content_sha256}/{part}"


def sorted_chunks(found: pa.Table) -> list[Chunk]:
    """Rows with CHUNK_COLUMNS as the chunks that they were made of, by position."""
    kept = [Chunk(**{**row, "document_id": UUID(row["document_id"])}) for row in found.to_pylist()]
    return sorted(kept, key=lambda chunk: chunk.position)


def passage(row: Row, *, score: float, similarity: float) -> Passage:
    return Passage(
        document_id=UUID(row["document_id"]),
        position=row["position"],
        title=row["title"],
        section=row["section"],
        text=row["text"],
        page=row["page"],
        source=row["source"],
        content_sha256=row["content_sha256"],
        language=row["language"],
        score=score,
        similarity=similarity,
    )


def _definition(embedder: Embedder) -> dict[str, str]:
    return {
        "definition": DEFINITION,
        "embedder": embedder.name,
        "dimensions": str(embedder.dimensions),
    }
