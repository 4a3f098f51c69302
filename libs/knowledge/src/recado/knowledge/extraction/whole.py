"""Markdown, HTML and text from the bytes of a whole file."""

import re
from pathlib import PurePath
from typing import Final

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction.csv_rows import read_csv
from recado.knowledge.extraction.decoding import WINDOWS, decode
from recado.knowledge.extraction.html import extract_html
from recado.knowledge.extraction.kinds import CSV, HTML, MARKDOWN, TEXT
from recado.knowledge.extraction.limits import MAX_BYTES
from recado.knowledge.extraction.markdown import extract_markdown
from recado.knowledge.extraction.outline import ExtractedDocument, title_of_name
from recado.knowledge.extraction.text import read_text
from recado.knowledge.model import DEFAULT_LANGUAGE

NOTHING: Final = "nothing to read in it: no text below or beside its headings"
WHOLE: Final = frozenset({MARKDOWN, HTML, TEXT, CSV})

_DECLARED: Final = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]+)", re.IGNORECASE)
_DECLARED_WITHIN: Final = 4096
_SINGLE_BYTE: Final = re.compile(r"(?:iso-8859-|windows-125|cp125)\d+")


def extracted(content: bytes, media_type: str, name: str) -> ExtractedDocument:
    """The document these bytes are, of a type in WHOLE. Raises InvalidDocument."""
    stem = PurePath(name).stem
    text = decode(content, name, _declared(content) if media_type == HTML else None)
    if media_type == HTML:
        document = extract_html(text, stem)
    elif media_type == MARKDOWN:
        document = extract_markdown(text, stem)
    else:
        if media_type == CSV:
            title, sections = None, read_csv([text], name)
        else:
            title, sections = read_text([text], MAX_BYTES[TEXT])
        document = ExtractedDocument(
            title or title_of_name(stem), DEFAULT_LANGUAGE, tuple(sections)
        )
    if not document.sections:
        raise InvalidDocument(name, NOTHING)
    return document


def _declared(content: bytes) -> str | None:
    """The encoding an old page says it is in, as browsers take it; None for UTF-8 and unknown."""
    found = _DECLARED.search(content[:_DECLARED_WITHIN])
    label = found[1].decode("ascii").lower() if found else ""
    if label in {"iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii", "windows-1252"}:
        return WINDOWS
    return label.replace("windows-", "cp") if _SINGLE_BYTE.fullmatch(label) else None
