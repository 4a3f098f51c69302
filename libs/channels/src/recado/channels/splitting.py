"""Cutting a styled text into pieces that a platform takes as one message.

A cut falls between paragraphs if it can, else between lines, sentences, words; and not inside a
styled stretch, unless that is longer than a whole piece. Characters are never cut, so neither are
surrogate pairs.
"""

import re
from collections.abc import Callable, Iterator

from recado.channels.markup import StyledText

_BREAKS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?=\n[ \t]*\n)",  # paragraphs
        r"(?=\n)",  # lines
        r"(?<=[.!?…])[)\"»”]*(?=\s)",  # sentences
        r"(?=\s)",  # words
    )
)

LEAST_SHARE = 4
"""A piece is at least this fraction of the limit: a paragraph break near the beginning is passed
over for a lesser break further on."""

Measure = Callable[[str], int]


def utf16_length(text: str) -> int:
    """Length in UTF-16 units, as Telegram counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def split(text: StyledText, limit: int, measure: Measure = len) -> Iterator[StyledText]:
    """The text in pieces of at most `limit`, as `measure` counts, in order; none is blank.

    `measure` must grow with each character, by 1 or 2.
    """
    start = 0
    while start < len(text.text):
        end = _reach(text.text, start, limit, measure)
        if end < len(text.text):
            end = _cut(text, start, end)
        piece = text.piece(start, end)
        if piece.text:
            yield piece
        start = end


def _reach(text: str, start: int, limit: int, measure: Measure) -> int:
    """How far a piece that begins at `start` can go: at least one character."""
    end = min(len(text), start + limit)
    while (excess := measure(text[start:end]) - limit) > 0 and end > start + 1:
        end -= max(1, excess // 2)
    return max(end, start + 1)


def _cut(text: StyledText, start: int, end: int) -> int:
    """The best place to end a piece, after `start` and at `end` at the latest."""
    least = start + (end - start) // LEAST_SHARE
    # One character further, for a break may lie just where the limit is.
    window = text.text[start : end + 1]
    for outside_of_spans in (True, False):
        for pattern in _BREAKS:
            places = [start + found.end() for found in pattern.finditer(window)]
            for place in reversed(places):
                if least < place <= end and not (outside_of_spans and _inside(text, place)):
                    return place
        if outside_of_spans:
            before = _before_span(text, end)
            if before > least:
                return before
    return end


def _inside(text: StyledText, place: int) -> bool:
    return any(one.start < place < one.end for one in text.spans)


def _before_span(text: StyledText, place: int) -> int:
    """The start of the outermost span that `place` is in; -1 where it is in none."""
    return min((one.start for one in text.spans if one.start < place < one.end), default=-1)
