"""From a path or bytes to an extracted document: type, size and encoding are settled here."""

from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Final

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction.html import extract_html
from recado.knowledge.extraction.markdown import extract_markdown
from recado.knowledge.extraction.outline import ExtractedDocument
from recado.knowledge.extraction.text import extract_text

MAX_BYTES: Final = 10 * 1024 * 1024
"""A help page is some kilobytes; ten mebibytes of text is a book of several thousand pages."""

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "text/html",
    ".txt": "text/plain",
    ".text": "text/plain",
}
"""File name endings that are understood, in lower case."""

_EXTRACTORS: Final[Mapping[str, Callable[[str, str], ExtractedDocument]]] = {
    "text/markdown": extract_markdown,
    "text/html": extract_html,
    "text/plain": extract_text,
}


def media_type_of(path: PurePath) -> str | None:
    """The media type by the name's ending; None if files of that name are not understood."""
    return MEDIA_TYPES.get(path.suffix.lower())


def extract(
    content: Path | bytes,
    media_type: str | None = None,
    *,
    name: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> ExtractedDocument:
    """Read a file, or bytes with their media type, into titled sections.

    `name` is what errors call it and what the title is made from if the text holds none; a path's
    is the path itself. Raises InvalidDocument for a file that can't be taken, OSError for one that
    can't be read, and ValueError for bytes without a media type.
    """
    if isinstance(content, bytes):
        if media_type is None:
            raise ValueError("bytes need their media type")
        return _extract(content, media_type, name or "(bytes)", max_bytes)
    name = name or str(content)
    media_type = media_type or media_type_of(content)
    if media_type is None:
        understood = ", ".join(sorted(MEDIA_TYPES))
        raise InvalidDocument(
            name, f"unknown type {content.suffix or '(no ending)'!r}; understood are {understood}"
        )
    with content.open("rb") as file:
        return _extract(file.read(max_bytes + 1), media_type, name, max_bytes)


def _extract(content: bytes, media_type: str, name: str, max_bytes: int) -> ExtractedDocument:
    extractor = _EXTRACTORS.get(media_type.partition(";")[0].strip().lower())
    if extractor is None:
        raise InvalidDocument(name, f"unknown type {media_type!r}")
    if len(content) > max_bytes:
        raise InvalidDocument(name, f"too large: more than {max_bytes:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidDocument(
            name, f"not UTF-8: byte 0x{content[error.start]:02x} at position {error.start:,}"
        ) from error
    if "\0" in text:
        raise InvalidDocument(name, "binary: it holds NUL characters")
    if not text.strip():
        raise InvalidDocument(name, "empty")
    document = extractor(text.replace("\r\n", "\n").replace("\r", "\n"), PurePath(name).stem)
    if not document.sections:
        raise InvalidDocument(name, "nothing to read in it: no text below or beside its headings")
    return document
