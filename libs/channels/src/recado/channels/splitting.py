"""Cutting a styled text into pieces that a platform takes as one message.

A cut falls between paragraphs if it can, else between lines, sentences, words; and not inside a
styled stretch, unless that is longer than a whole piece. Where a word is longer than that, the cut
is between two characters as a reader sees them: an emoji of several code points, a letter and its
accents stay whole (Unicode, UAX #29, extended grapheme clusters), if they fit into a piece at all.
Nothing is lost but the blanks at a cut.
"""

import re
from collections.abc import Callable, Iterator, Sequence

import regex

from recado.channels.markup import Span, StyledText

_BREAKS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?=\n[ \t]*\n)",  # paragraphs
        r"(?=\n)",  # lines
        r"(?<=[.!?…])[)\"»”]*(?=\s)",  # sentences
        r"(?=\s)",  # words
    )
)

_CHARACTER = regex.compile(r"\X")

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
    # Those that fit into a piece are not cut; what is longer can't be kept whole.
    keeping = [one for one in text.spans if measure(text.text[one.start : one.end]) <= limit]
    start = 0
    while start < len(text.text):
        end = _reach(text.text, start, limit, measure)
        if end < len(text.text):
            end = _cut(text, start, end, keeping)
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


def _cut(text: StyledText, start: int, end: int, keeping: Sequence[Span]) -> int:
    """The best place to end a piece, after `start` and at `end` at the latest."""
    least = start + (end - start) // LEAST_SHARE
    # One character further, for a break may lie just where the limit is.
    window = text.text[start : end + 1]
    breaks = [
        [place for place in _ends(pattern, window, start) if least < place <= end]
        for pattern in _BREAKS
    ]
    for whole in (text.spans, keeping):
        here = [span for span in whole if span.start < end and span.end > start]
        for places in breaks:
            for place in reversed(places):
                if not _around(here, place):
                    return place
        before = min((span.start for span in _around(here, end)), default=start)
        # A stretch that must be kept whole is worth a short piece.
        if before > (start if whole is keeping else least):
            return before
    return _between_characters(window, start, end, keeping)


def _ends(pattern: re.Pattern[str], window: str, start: int) -> Iterator[int]:
    return (start + found.end() for found in pattern.finditer(window))


def _around(spans: Sequence[Span], place: int) -> list[Span]:
    return [span for span in spans if span.start < place < span.end]


def _between_characters(window: str, start: int, end: int, keeping: Sequence[Span]) -> int:
    """The last place that is in no character; `end` where that would be no progress."""
    places = [
        start + found.start()
        for found in _CHARACTER.finditer(window)
        if 0 < found.start() <= end - start
    ]
    if places and not _around(keeping, places[-1]):
        return places[-1]
    return end
