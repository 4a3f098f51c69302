"""What `recado index` writes: documents for the knowledge base."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from recado.schemas.base import Model, Moment


class DocumentSection(Model):
    """A stretch of text under one heading. The text keeps lists and tables as Markdown."""

    path: tuple[str, ...] = Field(default=(), description="Headings from the outermost in")
    text: str
    page: int | None = Field(default=None, ge=1)


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
    sections: tuple[DocumentSection, ...]


class DocumentWithdrawn(Model):
    """A document leaves the knowledge base."""

    type: Literal["document.withdrawn"] = "document.withdrawn"
    id: UUID
    occurred_at: Moment
    document_id: UUID
    collection: str
    source: str
