"""What the knowledge base keeps and gives back. Values only: frozen, no I/O.

A section's and a chunk's text is written as `blocks` says, without inline markup.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from recado.knowledge.blocks import as_prose
from recado.schemas import ids

DEFAULT_LANGUAGE = "es"
"""Of a document that names none. An IETF tag, as every language here."""

SECTION_SEPARATOR = " › "
"""Between the headings of a section path when it is shown or embedded."""


@dataclass(frozen=True, slots=True)
class Section:
    """The text below one heading. `path` names the headings above it, the title not among them."""

    path: tuple[str, ...]
    text: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One page or file as it was submitted.

    `id` stands for the place (the same source always has the same id), `content_sha256` for the
    content: two documents with the same id and different hashes are versions of one document.
    """

    id: UUID
    source: str
    title: str
    language: str
    content_sha256: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one document that is embedded, found and quoted as a whole.

    `section` is the heading path of all its text. Where it holds several sections this is what
    their paths have in common, possibly nothing, and the text names the rest in heading blocks.
    `language` is the document's, an IETF tag.
    """

    document_id: UUID
    position: int
    title: str
    section: str
    text: str
    page: int | None
    source: str
    content_sha256: str
    language: str = DEFAULT_LANGUAGE

    @property
    def id(self) -> UUID:
        """Derived from document and position, so writing a chunk twice stores it once."""
        return ids.chunk_id(self.document_id, self.position)

    @property
    def searchable(self) -> str:
        """What is embedded and indexed: title, section path and text, each from a new line."""
        return "\n".join(part for part in (self.title, self.section, as_prose(self.text)) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage(Chunk):
    """A chunk that a search found.

    `score` (0 to 1) orders the passages of one search and means nothing beside another one's:
    it is normalised over that search's candidates, so the best of many bad ones scores high too.
    `similarity` is the cosine of the query's and the chunk's vector (-1 to 1, near 0 for what
    has nothing in common): this is what says whether the passage fits at all.
    """

    score: float
    similarity: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Passages, the best first, and how long the store took for them, the embedding included."""

    passages: tuple[Passage, ...]
    took: timedelta

    @property
    def similarity(self) -> float:
        """That of the most similar passage, -1 if there is none. The first passage need not be
        the most similar one, for words count in the order too."""
        return max((passage.similarity for passage in self.passages), default=-1.0)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """What the store knows of one document. `chunks` is how many of its chunks are stored."""

    id: UUID
    source: str
    title: str
    content_sha256: str
    chunks: int
