"""From a PDF page's lines to headings, paragraphs, lists and tables."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from recado.knowledge.extraction.pdf_lines import Line, cleaned, mended

LONGEST_LARGE_LINE: Final = 200
"""Characters. What is longer is text in large type."""

_EDGE: Final = 0.09
"""Part of a page's height in which headers and footers stand."""

_LARGER: Final = 1.15
"""Type this much larger than the body's is a heading's."""

_SAME_SIZE: Final = 0.2
_DEEPEST: Final = 6
_PAGE_NUMBER: Final = re.compile(
    r"(?:p[áa]g(?:ina|\.)?|page)?\s*[-–]?\s*\d{1,4}\s*(?:(?:/|de|of)\s*\d{1,4})?\s*[-–]?",
    re.IGNORECASE,
)
_ITEM: Final = re.compile(r"(?:[-*]|\d{1,3}[.)]) \S")
_STOPS: Final = (".", "!", "?", ";", ":")


@dataclass(frozen=True, slots=True)
class PageLines:
    """`number` counts from 1, `height` is in points."""

    number: int
    height: float
    lines: Sequence[Line]

    def at_edge(self, line: Line) -> bool:
        """Whether it stands where headers and footers do."""
        below, above = self.height * _EDGE, self.height * (1 - _EDGE)
        return not line.table and (line.bottom < below or line.top > above)


@dataclass(frozen=True, slots=True)
class Looks:
    """What the first pages and the outline say of the whole file: the body's size of type, the
    larger ones, the outline's texts with their levels, and what repeats at the pages' edges."""

    body: float
    larger: Sequence[float]
    outline: Mapping[str, int]
    repeated: frozenset[str]

    def is_large(self, line: Line) -> bool:
        return not line.table and line.size >= self.body * _LARGER

    def level(self, line: Line) -> int | None:
        """The heading's level, None for a line that is none."""
        if line.table or len(line.text) > LONGEST_LARGE_LINE:
            return None
        named = self.outline.get(wording(line.text))
        if named is not None and line.size >= self.body - _SAME_SIZE:
            return named
        if self.outline or not self.is_large(line) or not any(map(str.isalpha, line.text)):
            return None
        return min(1 + sum(size > line.size + _SAME_SIZE for size in self.larger), _DEEPEST)


def looks_of(sample: Sequence[PageLines], outline: Mapping[str, int]) -> Looks:
    written: Counter[float] = Counter()
    edges: Counter[str] = Counter()
    for page in sample:
        for line in page.lines:
            if not line.table:
                written[line.size] += len(line.text)
        edges.update({_numberless(line) for line in page.lines if page.at_edge(line)})
    body = written.most_common(1)[0][0] if written else 0.0
    often = max(3, (len(sample) + 1) // 2)
    return Looks(
        body,
        sorted({size for size in written if size >= body * _LARGER}),
        outline,
        frozenset(text for text, pages in edges.items() if pages >= often),
    )


def wording(text: str) -> str:
    """A heading's text, however it is written: what outline and page are compared by."""
    return cleaned(text).casefold()


def blocks(page: PageLines, looks: Looks) -> Iterator[tuple[int | None, str]]:
    """Headings, each with its level, and blocks, with None, in reading order."""
    items: list[str] = []
    for level, lines in _runs(page, looks):
        first = lines[0]
        text = first.text if first.table else mended(line.text for line in lines)
        if level is None and _is_item(first):
            items.append(text)
            continue
        if items:
            yield None, "\n".join(items)
            items = []
        yield level, text
    if items:
        yield None, "\n".join(items)


def _runs(page: PageLines, looks: Looks) -> Iterator[tuple[int | None, list[Line]]]:
    """Lines that belong together: of one heading, paragraph, list item or table."""
    run: list[Line] = []
    above: int | None = None
    for line in page.lines:
        if page.at_edge(line) and (
            _numberless(line) in looks.repeated or _PAGE_NUMBER.fullmatch(line.text)
        ):
            continue
        level = looks.level(line)
        if run and (level != above or _begins(line, run)):
            yield above, run
            run = []
        run.append(line)
        above = level
    if run:
        yield above, run


def _begins(line: Line, run: Sequence[Line]) -> bool:
    last = run[-1]
    if line.table or last.table or line.box != last.box or _is_item(line):
        return True
    # Behind an item, where its other lines are not indented, a full stop ends it.
    return _is_item(run[0]) and line.x0 <= run[0].x0 + 1 and last.text.endswith(_STOPS)


def _is_item(line: Line) -> bool:
    return not line.table and bool(_ITEM.match(line.text))


def _numberless(line: Line) -> str:
    return re.sub(r"\d+", "#", line.text)
