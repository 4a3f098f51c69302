"""An answer as Telegram text with entities.

At most 4,096 UTF-16 units after entities are parsed (sendMessage). Entities are sent as such rather
than through `parse_mode`: there is nothing to escape, so "can't parse entities", the complaint that
users of such systems have most often, can't come up.
"""

from itertools import islice
from urllib.parse import urlsplit

from recado.channels.contract import Entity, Part
from recado.channels.markup import Span, Style, StyledText, read_markdown
from recado.channels.splitting import split, utf16_length

MAX_TEXT_LENGTH = 4096
MAX_ENTITIES = 100
"""Telegram lets go of those beyond."""

_TYPES = {
    Style.BOLD: "bold",
    Style.ITALIC: "italic",
    Style.STRIKE: "strikethrough",
    Style.CODE: "code",
    Style.CODE_BLOCK: "pre",
    Style.LINK: "text_link",
}


def format_text(text: str) -> tuple[Part, ...]:
    """The answer in parts that each fit one message."""
    styled = read_markdown(text, links=_is_web_address)
    return tuple(_part(piece) for piece in split(styled, MAX_TEXT_LENGTH, utf16_length))


def _is_web_address(address: str) -> bool:
    """Telegram lets go of a link whose address has no host, or one without a dot."""
    try:
        parts = urlsplit(address)
        named = "." in (parts.hostname or "") or ":" in (parts.hostname or "")
        _ = parts.port  # which may be no number
    except ValueError:
        return False
    blank = any(character.isspace() for character in address)
    return parts.scheme in {"https", "http"} and named and not blank


def _part(piece: StyledText) -> Part:
    spans = (trimmed for span in piece.spans if (trimmed := _trimmed(piece.text, span)))
    return Part(
        text=piece.text,
        entities=tuple(_entity(piece.text, span) for span in islice(spans, MAX_ENTITIES)),
    )


def _trimmed(text: str, span: Span) -> Span | None:
    """Without blanks at its ends, which Telegram would cut off itself."""
    words = text[span.start : span.end]
    start = span.start + len(words) - len(words.lstrip())
    end = span.end - (len(words) - len(words.rstrip()))
    return Span(start, end, span.style, span.argument) if start < end else None


def _entity(text: str, span: Span) -> Entity:
    return Entity(
        type=_TYPES[span.style],
        offset=utf16_length(text[: span.start]),
        length=utf16_length(text[span.start : span.end]),
        url=span.argument if span.style is Style.LINK else None,
        language=span.argument if span.style is Style.CODE_BLOCK else None,
    )
