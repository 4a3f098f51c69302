"""A passage as it reads in a chat: no tables, bounded, never cut in the middle of a sentence.

Passages are plain Markdown blocks (`recado.knowledge.blocks`): paragraphs, lists, tables of pipe
rows. A chat shows a table as a heap of bars, so each row becomes a line that says what its cells
are.
"""

import re
from collections.abc import Iterator

from recado.knowledge.blocks import begins_table
from recado.knowledge.sentences import sentences

MAX_CHARACTERS = 900
LEAST_KEPT = 1 / 3
"""A cut that keeps less than this part of the limit is made inside the sentence after all."""

_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(?P<text>.*?)\s*#*$", re.MULTILINE)
_LINK = re.compile(r"!?\[(?P<text>[^\]]*)\]\([^)\s]*\)")


def for_chat(text: str, limit: int = MAX_CHARACTERS) -> str:
    """The text for a chat, at most `limit` characters long."""
    blocks = [_block(block) for block in re.split(r"\n\s*\n", text.strip())]
    return shortened("\n\n".join(block for block in blocks if block), limit)


def shortened(text: str, limit: int) -> str:
    """The text up to the last whole sentence or line that fits; at worst, up to a word and `…`."""
    text = text.strip()
    if len(text) <= limit:
        return text
    kept = ""
    for piece in _pieces(text):
        if len(kept) + len(piece) > limit:
            break
        kept += piece
    kept = _without_stump(kept)
    if len(kept) >= limit * LEAST_KEPT:
        return kept
    return text[: limit - 1].rsplit(maxsplit=1)[0].rstrip(" ,;:") + "…"


def _pieces(text: str) -> Iterator[str]:
    """Sentences and line ends; joined they are the text, but for white space around lines."""
    for number, line in enumerate(text.splitlines()):
        indent = line[: len(line) - len(line.lstrip())]
        before = ("\n" if number else "") + indent
        if not line.strip():
            yield before
        for space, sentence in sentences(line):
            yield before + space + sentence
            before = ""


def _block(block: str) -> str:
    lines = block.splitlines()
    if begins_table(lines):
        return _table(lines)
    return _LINK.sub(r"\g<text>", _HEADING.sub(r"**\g<text>**", block)).strip()


def _table(lines: list[str]) -> str:
    header = _cells(lines[0])
    return "\n".join(_row(header, _cells(line)) for line in lines[2:] if line.strip())


def _row(header: list[str], row: list[str]) -> str:
    first, *rest = row
    names = header[1:] + [""] * len(rest)
    named = [
        f"{name}: {cell}" if name else cell for name, cell in zip(names, rest, strict=False) if cell
    ]
    return f"- {first}: {'; '.join(named)}" if named else f"- {first}"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _without_stump(text: str) -> str:
    """Without a heading or a list's introduction that nothing follows any more."""
    kept = text.rstrip()
    while "\n" in kept:
        before, last = kept.rsplit("\n", 1)
        if not (last.rstrip("*").endswith(":") or (last.startswith("**") and last.endswith("**"))):
            break
        kept = before.rstrip()
    return kept
