"""The answer's small Markdown as text with styled stretches.

The model writes bold, italic, strike-through, code, links, lists, headings, quotes, now and then a
table, and citations such as [1]. What comes out is what the customer reads, and over it spans, each
in one style. Each platform then writes the spans in its own way, and where it can't the text alone
still reads well: markers of lists and quotes are part of it.

Unlike CommonMark: a line break stays one, HTML is text, indented lines are no code, and `[1]: …` is
no link definition but a source, which must not vanish.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode


class Style(StrEnum):
    """How a stretch of text is set."""

    BOLD = "bold"
    ITALIC = "italic"
    STRIKE = "strike"
    CODE = "code"
    CODE_BLOCK = "code_block"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text in a style. Offsets count characters; spans nest and never cross."""

    start: int
    end: int
    style: Style
    argument: str | None = None
    """A link's address, a code block's language."""


@dataclass(frozen=True, slots=True)
class StyledText:
    """Text and its spans, the outer before the inner."""

    text: str
    spans: tuple[Span, ...] = ()

    def piece(self, start: int, end: int) -> "StyledText":
        """The text from `start` to `end` without the blanks around it, and the spans in it."""
        raw = self.text[start:end]
        start += len(raw) - len(raw.lstrip())
        end -= len(raw) - len(raw.rstrip())
        inside = (
            Span(max(one.start, start) - start, min(one.end, end) - start, one.style, one.argument)
            for one in self.spans
            if one.start < end and one.end > start
        )
        return StyledText(self.text[start:end], tuple(one for one in inside if one.start < one.end))


Links = Callable[[str], bool]
"""Whether a link to this address can be a style. Otherwise the address is written out."""

_MARKDOWN = (
    MarkdownIt("commonmark", {"html": False})
    .enable(["table", "strikethrough"])
    .disable(["code", "reference", "html_block", "html_inline"])
)

_STYLES = {
    "strong": Style.BOLD,
    "em": Style.ITALIC,
    "s": Style.STRIKE,
    "th": Style.BOLD,
}

_LINE_END = re.compile(r"\r\n?|\n")
_QUOTED = re.compile(r"[\s>]*")
_BAR = re.compile(r"(?<!\\)\|")

_LANGUAGE = re.compile(r"[a-z0-9][a-z0-9+#._-]{0,31}", re.ASCII | re.IGNORECASE)

BULLET = "• "
QUOTE = "> "
CELL = " | "
STEP = "  "


def read_markdown(text: str, *, links: Links) -> StyledText:
    """The text as it is read, with its styles.

    Never blank for a text that is not blank: where Markdown leaves nothing (a lone ruler), the text
    is taken as it is.
    """
    # Half a surrogate pair is no character: it could not be sent, so it becomes U+FFFD here.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    writer = _Writer(links, _LINE_END.split(text))
    writer.blocks(SyntaxTreeNode(_MARKDOWN.parse(text)), "")
    written = writer.finished()
    return written if written.text else StyledText(text.strip())


@dataclass(slots=True, eq=False)
class _Styling:
    """One use of a style, and the stretches that it covers: code in its midst is left out."""

    style: Style
    argument: str | None
    covered: list[tuple[int, int]] = field(default_factory=list)

    def cover(self, start: int, end: int) -> None:
        if self.covered and self.covered[-1][1] == start:
            start, _ = self.covered.pop()
        self.covered.append((start, end))

    def spans(self) -> Iterator[Span]:
        for start, end in self.covered:
            yield Span(start, end, self.style, self.argument)


def _code(node: SyntaxTreeNode) -> tuple[str, str | None]:
    """A code block's text, and the language that its fence names.

    What stands at the fence and can't be a language's name is text: it is not lost.
    """
    content, info = node.content.rstrip("\n"), node.info.strip()
    if not info or _LANGUAGE.fullmatch(info):
        return content, info or None
    return f"{info}\n{content}".rstrip("\n"), None


class _Writer:
    """Walks the tree and writes text and spans, outer spans first."""

    def __init__(self, links: Links, lines: Sequence[str]) -> None:
        self._links = links
        self._lines = lines
        self._chunks: list[str] = []
        self._length = 0
        self._stylings: list[_Styling] = []
        self._open: list[_Styling] = []

    def finished(self) -> StyledText:
        spans = [span for styling in self._stylings for span in styling.spans()]
        # The sort is stable: of two that cover the same, the outer one was begun first.
        spans.sort(key=lambda span: (span.start, -span.end))
        whole = StyledText("".join(self._chunks), tuple(spans))
        return whole.piece(0, len(whole.text))

    def blocks(self, parent: SyntaxTreeNode, indent: str) -> None:
        tight = parent.type in {"list_item", "blockquote"}
        shown = [node for node in parent.children if node.type != "hr"]
        for position, node in enumerate(shown):
            if position and not (tight and node.type in {"bullet_list", "ordered_list"}):
                self._write("\n\n" + indent)
            elif position:
                self._write("\n" + indent)
            self._block(node, indent)

    def _block(self, node: SyntaxTreeNode, indent: str) -> None:
        match node.type:
            case "heading":
                self._styled(Style.BOLD, None, node, indent)
            case "bullet_list" | "ordered_list":
                self._list(node, indent)
            case "blockquote":
                self._write(QUOTE)
                self.blocks(node, indent + QUOTE)
            case "fence" | "code_block":
                content, language = _code(node)
                self._write(content, Style.CODE_BLOCK, language)
            case "table":
                self._table(node, indent)
            case _:
                self._inline(node, indent)

    def _list(self, node: SyntaxTreeNode, indent: str) -> None:
        number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        for position, item in enumerate(node.children):
            if position:
                self._write("\n" + indent)
            marker = BULLET if number is None else f"{number + position}. "
            self._write(marker)
            self.blocks(item, indent + STEP)

    def _table(self, node: SyntaxTreeNode, indent: str) -> None:
        rows = [row for section in node.children for row in section.children]
        for position, row in enumerate(rows):
            if position:
                self._write("\n" + indent)
            for column, cell in enumerate(row.children):
                if column:
                    self._write(CELL)
                self._inline_of(cell, indent)
            for written in self._beyond(row):
                self._write(CELL)
                self._inline(SyntaxTreeNode(_MARKDOWN.parseInline(written)), indent)

    def _beyond(self, row: SyntaxTreeNode) -> list[str]:
        """The cells of a row that are more than the header has: Markdown lets them vanish."""
        if row.map is None:
            return []
        line = _QUOTED.sub("", self._lines[row.map[0]], count=1).rstrip()
        cells = _BAR.split(line.removeprefix("|"))
        if not cells[-1]:
            cells.pop()
        beyond = cells[len(row.children) :]
        return [stripped.replace("\\|", "|") for cell in beyond if (stripped := cell.strip())]

    def _inline(self, node: SyntaxTreeNode, indent: str) -> None:
        for child in node.children:
            self._inline_of(child, indent)

    def _inline_of(self, node: SyntaxTreeNode, indent: str) -> None:
        match node.type:
            case "text" | "html_inline":
                self._write(node.content)
            case "code_inline":
                self._write(node.content, Style.CODE)
            case "softbreak" | "hardbreak":
                self._write("\n" + indent)
            case "link":
                self._link(str(node.attrs.get("href", "")), node, indent)
            case "image":
                self._link(str(node.attrs.get("src", "")), node, indent)
            case kind if kind in _STYLES:
                self._styled(_STYLES[kind], None, node, indent)
            case _:
                self._inline(node, indent)

    def _link(self, address: str, node: SyntaxTreeNode, indent: str) -> None:
        if address and self._links(address):
            self._styled(Style.LINK, address, node, indent)
            return
        before = len(self._chunks)
        self._inline(node, indent)
        words = "".join(self._chunks[before:])
        shown = address.removeprefix("mailto:").removeprefix("tel:")
        if shown and shown not in words:
            self._write(f" ({shown})" if words.strip() else shown)

    def _styled(
        self, style: Style, argument: str | None, node: SyntaxTreeNode, indent: str
    ) -> None:
        self._open.append(self._styling(style, argument))
        self._inline(node, indent)
        self._open.pop()

    def _styling(self, style: Style, argument: str | None) -> "_Styling":
        styling = _Styling(style, argument)
        self._stylings.append(styling)
        return styling

    def _write(self, text: str, style: Style | None = None, argument: str | None = None) -> None:
        """Text in the open styles, or in a code style, which takes no other beside it."""
        if not text:
            return
        in_link = any(one.style is Style.LINK for one in self._open)
        opened = self._open if style is None or in_link else [self._styling(style, argument)]
        start = self._length
        self._chunks.append(text)
        self._length += len(text)
        # A style within itself (a bold word of a heading) is the outer one going on.
        outermost: dict[Style, _Styling] = {}
        for one in opened:
            outermost.setdefault(one.style, one)
        for one in outermost.values():
            one.cover(start, self._length)
