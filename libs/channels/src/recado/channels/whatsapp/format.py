"""An answer as WhatsApp text: `*bold*`, `_italic_`, `~strike~`, `` `code` ``, links written out.

A text message has at most 4,096 characters (Meta, messages). WhatsApp knows no escaping: where a
mark would not be understood as one (inside a word, around text that holds the mark, over a line
break) it is left away, so that the customer never sees a stray one.
"""

from collections import defaultdict
from collections.abc import Iterator

from recado.channels.contract import Part
from recado.channels.markup import Span, Style, StyledText, read_markdown
from recado.channels.splitting import split, utf16_length

MAX_TEXT_LENGTH = 4096
"""Characters. Counted as UTF-16 units, the stricter reading of Meta's "characters"."""

_MARKS = {
    Style.BOLD: "*",
    Style.ITALIC: "_",
    Style.STRIKE: "~",
    Style.CODE: "`",
    Style.CODE_BLOCK: "```",
}


def format_text(text: str) -> tuple[Part, ...]:
    """The answer in parts that each fit one message."""
    styled = read_markdown(text, links=lambda _: False)
    limit = MAX_TEXT_LENGTH
    while True:
        parts = [_marked(piece) for piece in split(styled, limit, utf16_length)]
        excess = max(map(utf16_length, parts), default=0) - MAX_TEXT_LENGTH
        if excess <= 0:
            return tuple(Part(text=part) for part in parts)
        # The marks did not fit in beside the text: less text in each part.
        limit -= min(excess, limit // 2)


def _marked(piece: StyledText) -> str:
    """The text with its marks, outer marks around inner ones."""
    opening: dict[int, list[str]] = defaultdict(list)
    closing: dict[int, list[str]] = defaultdict(list)
    for span in piece.spans:
        mark = _MARKS.get(span.style)
        if mark is None:
            continue
        for start, end in _markable(piece.text, span, mark):
            opening[start].append(mark)
            closing[end].insert(0, mark)
    return "".join(
        "".join(closing[at]) + "".join(opening[at]) + piece.text[at : at + 1]
        for at in range(len(piece.text) + 1)
    )


def _markable(text: str, span: Span, mark: str) -> Iterator[tuple[int, int]]:
    """The stretches of a span that WhatsApp would show in its style: line by line."""
    whole = span.style is Style.CODE_BLOCK
    start = span.start
    for line in [text[span.start : span.end]] if whole else _lines(text[span.start : span.end]):
        first = start + len(line) - len(line.lstrip())
        last = start + len(line.rstrip())
        start += len(line)
        if first >= last or mark in text[first:last]:
            continue
        if text[first - 1 : first].isalnum() or text[last : last + 1].isalnum():
            continue
        if _would_pair(text, first, last, mark[0]):
            continue
        yield first, last


def _would_pair(text: str, first: int, last: int, mark: str) -> bool:
    """Whether the line has the mark's character itself, and WhatsApp could pair ours with that.

    One within a word (`mi_red`) is none to WhatsApp.
    """
    begin = text.rfind("\n", 0, first) + 1
    end = text.find("\n", last)
    end = len(text) if end < 0 else end
    at = text.find(mark, begin, end)
    while at >= 0:
        if not (text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isalnum()):
            return True
        at = text.find(mark, at + 1, end)
    return False


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
