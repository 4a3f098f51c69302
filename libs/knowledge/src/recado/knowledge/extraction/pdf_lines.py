"""The lines of a PDF page in reading order, cleaned, with their place and size of type.

pdfminer's layout analysis puts lines together to boxes and boxes to columns, so two columns are
read one after the other. Lines within a ruled table are left to the table.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pdfminer.layout import LTChar, LTLine, LTPage, LTRect, LTTextBox, LTTextLine
from pdfplumber.page import Page

from recado.knowledge.blocks import table_row
from recado.knowledge.extraction.outline import one_line

_UNMAPPED: Final = re.compile(r"\(cid:\d+\)")
_LIGATURES: Final = {
    code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)
}
_CONTROLS: Final = dict.fromkeys((*range(9), *range(14, 32), 127, 65533, 8203))
_MARKER: Final = re.compile(r"-|\d{1,3}[.)]")
# In WinAnsiEncoding every code without a character is a bullet (ISO 32000-1, annex D.2, note 3).
_WINDOWS_BULLET: Final = re.compile(r"^\(cid:(?:127|129|141|143|144|157)\)")
_BULLET_ITEM: Final = re.compile(r"^[•●▪■◦‣\uf0b7\uf0a7]\s*")
_ASIDE: Final = 40
"""Points by which a line aside of a table is taken to be farther away than one below it."""

_MOST_RULES: Final = 4000
"""Lines and rectangles of a page in which tables are looked for; a drawing has more."""


@dataclass(frozen=True, slots=True)
class Line:
    """`top` and `bottom` are points from the page's upper edge. A table is one line, `table`."""

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    size: float
    box: int
    table: bool = False


def lines_of(page: Page) -> list[Line]:
    tables = list(_tables(page))
    found = [
        line
        for line in _joined_markers(list(_lines(page.layout)))
        if not any(_within(line, table) for table in tables)
    ]
    for table in tables:
        found.insert(_place(table, found), table)
    return found


def _place(table: Line, lines: Sequence[Line]) -> int:
    """Before the nearest line below the table, rather one of its own column."""

    def away(at: int) -> float:
        line = lines[at]
        beneath = line.x0 < table.x1 and line.x1 > table.x0
        return line.top - table.bottom + (0 if beneath else _ASIDE)

    below = [at for at, line in enumerate(lines) if line.top + line.bottom > 2 * table.bottom]
    return min(below, key=away, default=len(lines))


def _lines(layout: LTPage) -> Iterator[Line]:
    for number, each in enumerate(layout):
        # A line without width, a bullet of some programs, is left outside of the boxes.
        lines = each if isinstance(each, LTTextBox) else [each]
        for line in lines:
            if not isinstance(line, LTTextLine):
                continue
            text = cleaned(line.get_text())
            if not text:
                continue
            sizes = [letter.size for letter in line if isinstance(letter, LTChar)]
            size = round(sorted(sizes)[len(sizes) // 2], 1) if sizes else 0.0
            top, bottom = layout.y1 - line.y1, layout.y1 - line.y0
            yield Line(text, line.x0, top, line.x1, bottom, size, number)


def cleaned(text: str) -> str:
    """Ligatures apart, accents on their letters, no control characters, one line."""
    text = _UNMAPPED.sub("", _WINDOWS_BULLET.sub("•", text))
    text = text.translate(_LIGATURES).translate(_CONTROLS)
    return _BULLET_ITEM.sub("- ", one_line(unicodedata.normalize("NFC", text))).strip()


def _joined_markers(lines: list[Line]) -> Iterator[Line]:
    """A bullet or number that stands apart from its item goes to the item's line."""
    markers = [line for line in lines if _MARKER.fullmatch(line.text)]
    owned: dict[int, Line] = {}
    used: set[int] = set()
    for marker in markers:
        beside = [
            at
            for at, line in enumerate(lines)
            if not _MARKER.fullmatch(line.text)
            and line.x0 >= marker.x1 - 1
            and line.x0 - marker.x1 < 4 * max(marker.size, 8)
            and min(line.bottom, marker.bottom) - max(line.top, marker.top)
            > 0.5 * min(line.bottom - line.top, marker.bottom - marker.top)
        ]
        if beside:
            nearest = min(beside, key=lambda at: lines[at].x0)
            owned[nearest] = marker
            used.add(id(marker))
    for at, line in enumerate(lines):
        if id(line) in used:
            continue
        marker_of = owned.get(at)
        if marker_of is None:
            yield line
        else:
            yield replace(line, text=f"{marker_of.text} {line.text}", x0=marker_of.x0)


def _within(line: Line, table: Line) -> bool:
    across, down = (line.x0 + line.x1) / 2, (line.top + line.bottom) / 2
    return table.x0 <= across <= table.x1 and table.top <= down <= table.bottom


def _tables(page: Page) -> Iterator[Line]:
    # Counted in the layout: the page's own lists cost as much again as the layout does.
    rules = sum(isinstance(each, LTLine | LTRect) for each in page.layout)
    if not 4 <= rules <= _MOST_RULES:
        return
    for table in page.find_tables():
        rows = [[_cell(cell) for cell in row] for row in table.extract()]
        rows = [row for row in rows if any(row)]
        if len(rows) < 2 or max(sum(1 for cell in row if cell) for row in rows) < 2:
            continue
        written = [table_row(row) for row in rows]
        rule = table_row(["---"] * len(rows[0]))
        x0, top, x1, bottom = table.bbox
        text = "\n".join([written[0], rule, *written[1:]])
        yield Line(text, x0, top, x1, bottom, 0.0, -1, table=True)


def _cell(text: str | None) -> str:
    return mended(cleaned(line) for line in (text or "").split("\n"))


def mended(lines: Iterable[str]) -> str:
    """Lines as one, words that were divided at a line's end put together again."""
    text = ""
    for line in lines:
        if text.endswith("\u00ad") or (
            len(text) > 1 and text[-1] in "-\u2010" and text[-2].isalpha() and line[:1].islower()
        ):
            text = text[:-1] + line
        else:
            text = f"{text} {line}" if text and line else text or line
    return text.replace("\u00ad", "")
