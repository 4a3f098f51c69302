"""How much of each kind of file is read. What is beyond is refused, the limit in the reason."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from recado.knowledge.errors import InvalidDocument

MEBIBYTE: Final = 1024 * 1024

PART_BYTES: Final = 2 * MEBIBYTE
"""UTF-8 of one part of a document: what is held of it at once while it is read and embedded."""

LEAST_PART_BYTES: Final = 16 * 1024
"""A part must have room for a section's path and for any sentence."""

LONGEST_HEADING: Final = 500
"""Characters. What is longer is text that somebody made look like a heading."""

MAX_BYTES: Final[Mapping[str, int]] = {
    "text/plain": 1024 * MEBIBYTE,
    "text/csv": 1024 * MEBIBYTE,
    "text/markdown": 20 * MEBIBYTE,
    "text/html": 20 * MEBIBYTE,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": 20 * MEBIBYTE,
    "application/pdf": 100 * MEBIBYTE,
}
"""Text and CSV are read in parts and may be large; the other kinds are parsed as a whole."""

MAX_PAGES: Final = 2000
"""Of a PDF: more than any handbook that customers are answered from."""

MAX_INFLATED_BYTES: Final = 64 * MEBIBYTE
"""Of the XML in a DOCX. A thousand pages are some ten; what is far beyond is a zip bomb."""

MAX_ROW_CHARACTERS: Final = MEBIBYTE
"""Of a CSV row. Beyond it is a quotation mark that is never closed."""

READER_MEMORY_BYTES: Final = 2048 * MEBIBYTE
"""Address space of the process in which a PDF or DOCX is parsed."""

READER_TIME: Final = timedelta(minutes=10)
"""For a whole PDF or DOCX: 2,000 dense pages at the 47 ms of CPU that one took are 94 s."""

PAGE_TIME: Final = timedelta(seconds=60)
"""Without a page, before the file is given up; a dense page takes some 50 ms."""


def check_size(size: int, media_type: str, name: str, limit: int | None = None) -> None:
    """Raise InvalidDocument if so many bytes are too many for a file of this type."""
    allowed = MAX_BYTES[media_type] if limit is None else limit
    if size > allowed:
        raise InvalidDocument(name, f"too large: {size:,} bytes, {allowed:,} are allowed")
