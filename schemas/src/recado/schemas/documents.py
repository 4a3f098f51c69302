"""What `recado index` writes: documents for the knowledge base.

A document is one record, `DocumentSubmitted`, as long as it is small. A larger one comes in parts:
any number of `DocumentPartSubmitted` from part 0 on, then the `DocumentSubmitted` that counts them
and makes them the document. All are in the document's partition, in this order. The documents topic
is compacted by key, so a part's key is its own: `{document_id}/{submission}/{part}`. What belongs
to no submission that is in force is removed by a tombstone (no value) written after the record that
took its place.
"""

from typing import Literal
from uuid import UUID

from pydantic import Field

from recado.schemas.base import Model, Moment


class DocumentSection(Model):
    """A stretch of text under one heading. The text keeps lists and tables as Markdown."""

    path: tuple[str, ...] = Field(default=(), description="Headings from the outermost in")
    text: str
    page: int | None = Field(default=None, ge=1)


class DocumentPartSubmitted(Model):
    """A stretch of a document's text. Nobody sees it before the submission that completes it."""

    type: Literal["document.part_submitted"] = "document.part_submitted"
    id: UUID
    occurred_at: Moment
    document_id: UUID
    submission: UUID = Field(description="The `id` of the DocumentSubmitted that completes it")
    part: int = Field(ge=0, description="Its place among the parts, counted from 0")
    collection: str = Field(description="The folder or set that the document belongs to")
    source: str = Field(description="The document's path within the collection")
    title: str
    language: str = Field(default="es", description="IETF tag")
    media_type: str
    content_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the whole file")
    sections: tuple[DocumentSection, ...]


class DocumentSubmitted(Model):
    """A document's whole text, extracted. It replaces what the knowledge base has of it."""

    type: Literal["document.submitted"] = "document.submitted"
    id: UUID
    occurred_at: Moment
    document_id: UUID
    collection: str = Field(description="The folder or set that it belongs to")
    source: str = Field(description="Its path within the collection; shown in citations")
    title: str
    language: str = Field(default="es", description="IETF tag")
    media_type: str
    content_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the file")
    sections: tuple[DocumentSection, ...] = Field(
        description="All of it; empty where it came in parts"
    )
    parts: int = Field(
        default=0, ge=0, description="How many DocumentPartSubmitted make it; 0: `sections` do"
    )


class DocumentWithdrawn(Model):
    """A document leaves the knowledge base."""

    type: Literal["document.withdrawn"] = "document.withdrawn"
    id: UUID
    occurred_at: Moment
    document_id: UUID
    collection: str
    source: str
