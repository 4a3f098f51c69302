"""PDF by pdfplumber (pdfminer.six): pages, headings, lists, ruled tables. No OCR.

A line is a heading if the file's outline (bookmarks) names it, else if its type is clearly larger
than the body's; the sizes are taken from the first pages. A section has the page on which it
begins; it ends with the page if there are no headings, or if it is so long that its end would
otherwise be cited by a page far off. A sentence that goes on over the page's end stays whole, with
its beginning. Lines that stand again and again at the pages' upper and lower edges, and page
numbers there, are left out; words divided at a line's end are put together.

The title is the file's own property, if it says anything, else the largest heading. Encrypted
files are read if they open without a password. Runs within `guarded`'s bounds; a page is held at a
time.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Final

import pdfplumber
from pdfminer.pdfdocument import PDFDocument, PDFNoOutlines, PDFPasswordIncorrect
from pdfminer.pdfexceptions import PDFException
from pdfminer.pdfpage import PDFPage
from pdfminer.psexceptions import PSException
from pdfminer.utils import decode_text
from pdfplumber.page import Page
from pdfplumber.pdf import PDF
from pdfplumber.utils.exceptions import PdfminerException

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction.limits import LONGEST_HEADING, MAX_PAGES
from recado.knowledge.extraction.outline import Outline, one_line
from recado.knowledge.extraction.pdf_blocks import (
    LONGEST_LARGE_LINE,
    Looks,
    PageLines,
    blocks,
    looks_of,
    wording,
)
from recado.knowledge.extraction.pdf_lines import cleaned, lines_of, mended
from recado.knowledge.model import Section

_SAMPLE: Final = 10
"""Pages from which the body's size of type and what repeats at the edges are taken."""

_LONG_SECTION: Final = 2000
"""Characters. A section of so much text ends with its page, and goes on as another one."""

_NO_TITLE: Final = re.compile(
    r"microsoft |untitled|sin título|\(anonymous\)|documento\d*$|.*\.(?:docx?|odt|indd|pdf|tex)$",
    re.IGNORECASE,
)
_ENDS: Final = (".", "!", "?", "…", ":", "»", ")", "”")


def read_pdf(path: Path) -> Iterator[dict[str, str | None] | Section]:
    """The head, then the sections. Raises InvalidDocument, whose source the caller knows better."""
    try:
        with pdfplumber.open(path, laparams={}) as pdf:
            yield from _read(pdf.doc, pdf)
    except (PdfminerException, PDFException, PSException) as error:
        causes = [error, *error.args, error.__cause__, error.__context__]
        if any(isinstance(cause, PDFPasswordIncorrect) for cause in causes):
            raise InvalidDocument("", "encrypted: needs a password") from error
        if any(isinstance(cause, MemoryError) for cause in causes):
            raise MemoryError from error
        raise InvalidDocument("", "not a readable PDF") from error


def _read(document: PDFDocument, pdf: PDF) -> Iterator[dict[str, str | None] | Section]:
    count = sum(1 for _ in islice(PDFPage.create_pages(document), MAX_PAGES + 1))
    if count > MAX_PAGES:
        raise InvalidDocument("", f"too large: more than {MAX_PAGES:,} pages")
    if count == 0:
        raise InvalidDocument("", "not a readable PDF: it has no pages")
    pages = _pages(document, pdf)
    sample = list(islice(pages, _SAMPLE))
    looks = looks_of(sample, _outline(document))
    outline = Outline(title=_title(document))
    if outline.title is None:
        outline.title = _largest(sample, looks)
    yield {"title": outline.title, "language": _language(document)}
    outline.title = outline.title or ""  # told already: no heading becomes it any more
    written = False
    for section in _sections(chain(sample, pages), looks, outline):
        written = True
        yield section
    if not written:
        raise InvalidDocument("", f"scanned: no text in {count:,} pages; run OCR first")


def _pages(document: PDFDocument, pdf: PDF) -> Iterator[PageLines]:
    for number, each in enumerate(PDFPage.create_pages(document), start=1):
        page = Page(pdf, each, page_number=number)
        yield PageLines(number, float(page.height), lines_of(page))
        page.close()


def _sections(pages: Iterable[PageLines], looks: Looks, outline: Outline) -> Iterator[Section]:
    """The pages' sections, each held back until it is seen how the next one begins."""
    before: Section | None = None
    for section in _cut_at_pages(pages, looks, outline):
        if before is None:
            before = section
            continue
        before, after = _over_the_page(before, section)
        if after.text:
            yield before
            before = after
    if before is not None:
        yield before


def _cut_at_pages(pages: Iterable[PageLines], looks: Looks, outline: Outline) -> Iterator[Section]:
    headed = False
    size = 0
    for page in pages:
        outline.page = page.number
        for level, text in blocks(page, looks):
            if level is None:
                outline.block(text)
                size += len(text)
            else:
                if headed or text != outline.title:
                    outline.heading(level, text)
                headed, size = True, 0
        if not headed or size > _LONG_SECTION:
            outline.close()
            size = 0
        yield from outline.taken()
    outline.close()
    yield from outline.taken()


def _over_the_page(before: Section, after: Section) -> tuple[Section, Section]:
    """A sentence that goes on in the next section, which is only a page's cut, goes back whole."""
    if before.path != after.path or before.text.endswith(_ENDS) or not after.text[0].islower():
        return before, after
    block, _, rest = after.text.partition("\n\n")
    last = before.text.rpartition("\n\n")[2]
    if last.startswith("|") or "\n" in block:
        return before, after
    return (
        replace(before, text=mended([before.text, block])),
        replace(after, text=rest),
    )


def _outline(document: PDFDocument) -> dict[str, int]:
    """The bookmarks' texts with their levels, those that stand there once."""
    try:
        named = [
            (wording(str(title)), int(level))
            for level, title, *_ in islice(document.get_outlines(), MAX_PAGES * 10)
        ]
    except PDFNoOutlines:
        return {}
    except (PDFException, PSException, KeyError, TypeError, ValueError, AttributeError):
        return {}  # a broken outline is no reason against the text
    return {text: min(level, 6) for text, level in reversed(named) if text}


def _title(document: PDFDocument) -> str | None:
    for properties in document.info:
        title = properties.get("Title")
        if isinstance(title, bytes):
            text = one_line(cleaned(decode_text(title)))
            if text and len(text) <= LONGEST_HEADING and not _NO_TITLE.match(text):
                return text
    return None


def _largest(sample: list[PageLines], looks: Looks) -> str | None:
    """The heading in the largest type of the first page."""
    if not sample:
        return None
    found = [
        (-line.size, at)
        for at, line in enumerate(sample[0].lines)
        if not line.table and looks.is_large(line) and len(line.text) <= LONGEST_LARGE_LINE
    ]
    return sample[0].lines[min(found)[1]].text if found else None


def _language(document: PDFDocument) -> str | None:
    language = document.catalog.get("Lang")
    if isinstance(language, bytes):
        return one_line(decode_text(language)) or None
    return None
