"""A whole small document at once, from a path or from bytes."""

from itertools import chain
from pathlib import Path

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction.kinds import named_type
from recado.knowledge.extraction.limits import MEBIBYTE
from recado.knowledge.extraction.outline import ExtractedDocument
from recado.knowledge.extraction.parts import open_document
from recado.knowledge.extraction.whole import WHOLE, extracted

MAX_WHOLE_BYTES = 20 * MEBIBYTE
"""A help page is some kilobytes. What is larger is read in parts: `open_document`."""


def extract(
    content: Path | bytes,
    media_type: str | None = None,
    *,
    name: str | None = None,
    max_bytes: int = MAX_WHOLE_BYTES,
) -> ExtractedDocument:
    """Read a file, or bytes with their media type, into titled sections.

    `name` is what errors call it and what the title is made from if the text holds none; a path's
    is the path itself. A path is read as `open_document` reads it. Bytes are taken for what their
    media type says, which may be any but PDF and DOCX. Raises InvalidDocument for a file that
    can't be taken, OSError for one that can't be read, and ValueError for bytes without a media
    type.
    """
    told = name or ("(bytes)" if isinstance(content, bytes) else str(content))
    if isinstance(content, bytes):
        if media_type is None:
            raise ValueError("bytes need their media type")
        kind = media_type.partition(";")[0].strip().lower()
        if kind not in WHOLE:
            raise InvalidDocument(told, f"unknown type {media_type!r}")
        _check(len(content), max_bytes, told)
        return extracted(content, kind, told)
    named_type(content, str(content))
    if content.is_file():
        _check(content.stat().st_size, max_bytes, told)
    reading = open_document(content, name=told)
    sections = tuple(chain.from_iterable(reading.parts))
    return ExtractedDocument(reading.title, reading.language, sections)


def _check(size: int, allowed: int, name: str) -> None:
    if size > allowed:
        raise InvalidDocument(name, f"too large: {size:,} bytes, {allowed:,} are allowed")
