"""What kind of file this is: by its name, and by its first bytes where these say otherwise.

A name is only a promise. Where the content is one of the kinds that are read, and says so beyond
doubt (a PDF's and a DOCX's signature, an HTML page's first tag), it is read as what it is. Where
the content is something else, or a name promises a signature that is not there, the file is
refused and both are named: "is named .pdf but holds a PNG image".
"""

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import PurePath
from typing import Final

from recado.knowledge.errors import InvalidDocument

TEXT: Final = "text/plain"
CSV: Final = "text/csv"
MARKDOWN: Final = "text/markdown"
HTML: Final = "text/html"
PDF: Final = "application/pdf"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".txt": TEXT,
    ".text": TEXT,
    ".csv": CSV,
    ".tsv": CSV,
    ".pdf": PDF,
    ".docx": DOCX,
}
"""File name endings that are understood, in lower case."""

_PDF_WITHIN: Final = 1024
"""Bytes in which a PDF's signature may stand; some programs write a line of their own before it."""

_OTHERS: Final = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"{\\rtf", "an RTF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"MZ\x90", "a Windows program"),
    (b"\x7fELF", "a program"),
)
_ZIPPED: Final = (
    ("word/document.xml", DOCX),
    ("xl/workbook.xml", "an Excel workbook"),
    ("ppt/presentation.xml", "a PowerPoint presentation"),
    ("META-INF/container.xml", "an EPUB book"),
    ("content.xml", "an OpenDocument file"),
)
_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_COMPOUND_STREAMS: Final = (
    ("WordDocument", "an old Word document (.doc): save it as .docx"),
    ("Workbook", "an old Excel workbook (.xls)"),
    ("PowerPoint Document", "an old PowerPoint presentation (.ppt)"),
)
_SEARCHED: Final = 32 * 1024 * 1024
_PAGE: Final = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html[\s>])",
    re.IGNORECASE | re.DOTALL,
)


def media_type_of(path: PurePath) -> str | None:
    """The media type by the name's ending; None if files of that name are not understood."""
    return MEDIA_TYPES.get(path.suffix.lower())


def named_type(path: PurePath, name: str) -> str:
    """`media_type_of`, or InvalidDocument that says which endings are understood."""
    media_type = media_type_of(path)
    if media_type is None:
        understood = ", ".join(sorted(MEDIA_TYPES))
        raise InvalidDocument(
            name, f"unknown type {path.suffix or '(no ending)'!r}; understood are {understood}"
        )
    return media_type


def kind_of(file: io.BufferedReader, ending: str, name: str) -> str:
    """The media type to read this file as. It is left at its beginning.

    `ending` is the name's, one of MEDIA_TYPES. Raises InvalidDocument as the module says.
    """
    promised = MEDIA_TYPES[ending.lower()]
    head = file.read(_PDF_WITHIN)
    file.seek(0)
    held = _held(file, head, ending, name)
    file.seek(0)
    if held and held in {PDF, DOCX, HTML}:
        return held
    if held:
        raise InvalidDocument(name, f"is named {ending} but holds {held}")
    if not head:
        raise InvalidDocument(name, "empty")
    if promised == PDF:
        raise InvalidDocument(name, f"not a readable PDF: it is named {ending} but is none")
    if promised == DOCX:
        raise InvalidDocument(name, f"not a readable DOCX: it is named {ending} but is none")
    return promised


def _held(file: io.BufferedReader, head: bytes, ending: str, name: str) -> str | None:
    """A media type, or in words what else the file is; None if its first bytes do not say."""
    for signature, told in _OTHERS:
        if head.startswith(signature):
            return told
    if head.startswith(b"PK\x03\x04"):
        return _zipped(file, ending, name)
    if head.startswith(_COMPOUND):
        return _compound(file, name)
    if _PAGE.match(head.removeprefix(b"\xef\xbb\xbf")):
        return HTML
    at = head.find(b"%PDF-")
    # A text may speak of the signature; a file that is called a PDF may have something before it.
    if at == 0 or (at > 0 and MEDIA_TYPES[ending.lower()] == PDF):
        return PDF
    return None


def _zipped(file: io.BufferedReader, ending: str, name: str) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        if MEDIA_TYPES[ending.lower()] == DOCX:
            raise InvalidDocument(name, "not a readable DOCX: its zip archive is broken") from error
        return "a broken zip archive"
    return next((told for member, told in _ZIPPED if member in names), "a zip archive")


def _compound(file: io.BufferedReader, name: str) -> str:
    """Office's own format before 2007. Office 2007 and later wrap encrypted files in it."""
    content = file.read(_SEARCHED)
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise InvalidDocument(name, "encrypted: needs a password")
    for stream, told in _COMPOUND_STREAMS:
        if stream.encode("utf-16-le") in content:
            return told
    return "an old Office document"
