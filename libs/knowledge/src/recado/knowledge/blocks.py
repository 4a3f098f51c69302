"""Plain Markdown blocks: how a section's text is written down between extraction and the answer.

Blocks are separated by blank lines and hold no inline markup. A block is a paragraph; a list, one
item a line (`- ` or `1. `), continuation lines and nested items indented; a table of pipe rows
whose second line is a rule (`| --- | --- |`); or, where a chunk holds several sections, a heading:
one line that begins with `### `. Text without such structure is just paragraphs.
"""

import re
from collections.abc import Iterable, Sequence

_HEADING = "### "
_LONGEST_QUESTION = 300
"""Characters. A line that is longer is a paragraph that ends with a question."""

_QUESTION = re.compile(r"(?![-*+•|#>]|\d{1,3}[.)]\s)[^.!?…]*[^\W_][^.!?…]*\?$")
"""One question: no sentence before it, no list item, no table row."""

_STOPS = (".", ":", "!", "?", "…")
_RULE_CHARACTERS = frozenset("|-: \t")


def is_table_rule(line: str) -> bool:
    """Whether this line is what stands between a table's header and its rows."""
    return "|" in line and "--" in line and _RULE_CHARACTERS.issuperset(line)


def begins_table(lines: Sequence[str]) -> bool:
    """Whether the lines of a block are a table: a row, then a rule."""
    return len(lines) > 1 and "|" in lines[0] and is_table_rule(lines[1])


def table_row(cells: Iterable[str]) -> str:
    """One row. A bar inside a cell would be taken for the cell's end, so it becomes a slash."""
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def heading(text: str) -> str:
    """A heading block. Line ends in it would end the heading, so they become spaces."""
    return _HEADING + " ".join(text.split())


def is_heading(block: str) -> bool:
    """Whether this block is a heading."""
    return block.startswith(_HEADING) and "\n" not in block


def is_question(line: str) -> bool:
    """Whether this line, one of its own, asks what the text below it answers."""
    line = line.strip()
    return len(line) <= _LONGEST_QUESTION and _QUESTION.match(line) is not None


def as_prose(text: str) -> str:
    """The text as one would read it aloud.

    A table's rules go and its bars become commas; a heading loses its marks and gets a full stop.
    """
    return "\n".join(_spoken(line) for line in text.splitlines() if not is_table_rule(line))


def _spoken(line: str) -> str:
    if line.startswith(_HEADING):
        said = line.removeprefix(_HEADING)
        return said if said.endswith(_STOPS) else f"{said}."
    row = line.strip()
    if len(row) > 1 and row.startswith("|") and row.endswith("|"):
        return ", ".join(cell.strip() for cell in row[1:-1].split("|") if cell.strip())
    return line
