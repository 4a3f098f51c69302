"""Word documents (DOCX) by mammoth, which writes them as HTML; the rest is `html`'s.

Headings (by their styles, whatever the language of Word), lists, tables, links and text boxes are
kept; tracked deletions, comments, headers, footers and images are not. The title and language are
the core properties', else the title is the first heading. Runs within `guarded`'s bounds.

Before anything is parsed the archive is looked at: more XML than MAX_INFLATED_BYTES is a zip
bomb, a document type declaration (Word writes none) may be an entity bomb, both are refused.
"""

import io
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import mammoth

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction.html import extract_html
from recado.knowledge.extraction.limits import MAX_INFLATED_BYTES
from recado.knowledge.extraction.outline import one_line
from recado.knowledge.model import Section

_STYLES: Final = "\n".join(
    [
        "p[style-name='Title'] => h1:fresh",
        "p[style-name='Subtitle'] => p:fresh",
        *(f"p[style-name='Título {level}'] => h{level}:fresh" for level in range(1, 7)),
    ]
)
_PROPERTIES: Final = "docProps/core.xml"
_DUBLIN_CORE: Final = "{http://purl.org/dc/elements/1.1/}"
_DECLARATIONS: Final = tuple(
    "<!DOCTYPE".encode(code) for code in ("ascii", "utf-16-le", "utf-16-be")
)
_ENCRYPTED: Final = 1
_MOST_MEMBERS: Final = 10_000
_NO_TITLES: Final = ("word document", "untitled", "sin título", "documento sin título")


def read_docx(path: Path) -> Iterator[dict[str, str | None] | Section]:
    """The head, then the sections. Raises InvalidDocument, whose source the caller knows better."""
    content = path.read_bytes()
    title, language = _checked(content)
    html = mammoth.convert_to_html(
        io.BytesIO(content),
        style_map=_STYLES,
        convert_image=mammoth.images.img_element(lambda _: {}),
        external_file_access=False,
    ).value
    document = extract_html(html, "", title=title, language=language)
    yield {"title": document.title or None, "language": language}
    yield from document.sections


def _checked(content: bytes) -> tuple[str | None, str | None]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if any(member.flag_bits & _ENCRYPTED for member in members):
            raise InvalidDocument("", "encrypted: needs a password")
        texts = [each for each in members if each.filename.endswith((".xml", ".rels"))]
        size = sum(each.file_size for each in texts)
        if size > MAX_INFLATED_BYTES or len(members) > _MOST_MEMBERS:
            raise InvalidDocument(
                "", f"too large: {size:,} bytes of XML unpacked, {MAX_INFLATED_BYTES:,} are allowed"
            )
        for each in texts:
            xml = archive.read(each)
            if any(declaration in xml for declaration in _DECLARATIONS):
                raise InvalidDocument("", "not a readable DOCX: it declares a document type")
        if _PROPERTIES not in archive.namelist():
            return None, None
        properties = archive.read(_PROPERTIES)
    try:
        found = ET.fromstring(properties)  # noqa: S314  # has no document type, see above
    except ET.ParseError:
        return None, None  # no reason against the text
    title = one_line(found.findtext(f"{_DUBLIN_CORE}title") or "")
    if title.casefold() in _NO_TITLES or title.casefold().endswith((".doc", ".docx")):
        title = ""
    return title or None, one_line(found.findtext(f"{_DUBLIN_CORE}language") or "") or None
