"""Cutting text that is too large to be held at once into pieces that stand for themselves.

What is promised, and tested for any text: the pieces are no longer than asked for, and together
they are the text but for white space where they meet. A piece ends between two blocks; where one
block is larger than a piece, before a list item or table row (the table's header is then repeated
in the next piece), else at a sentence's end, else, in what is no language, between words. So no
sentence, list item or table row is cut that is not itself larger than a piece.

Memory is bounded by some pieces, whatever the length of the text or of its lines.
"""

import re
from collections.abc import Iterable, Iterator

from recado.knowledge.blocks import begins_table
from recado.knowledge.sentences import sentences

_BLANK_LINES = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_ITEM = re.compile(r"^(?P<indent>[^\S\n]*)(?:[-*+•]|\d{1,3}[.)])[^\S\n]+\S", re.MULTILINE)
_TAIL = 64 * 1024
"""Characters from the end in which a sentence's end is looked for, before the whole is."""


def pieces(text: Iterable[str], part_bytes: int) -> Iterator[str]:
    """The text, which may come in any number of strings, in pieces of at most so many bytes."""
    held: list[str] = []
    size = 0
    for each in text:
        held.append(each)
        size += len(each.encode())
        if size > part_bytes:
            rest = "".join(held)
            while len(rest.encode()) > part_bytes:
                piece, rest = _cut(rest, part_bytes)
                if piece.strip():
                    yield piece
            held, size = [rest], len(rest.encode())
    rest = "".join(held).strip("\n")
    if rest.strip():
        yield rest


def _cut(text: str, part_bytes: int) -> tuple[str, str]:
    head = text.encode()[:part_bytes].decode(errors="ignore")
    blanks = None
    for blanks in _BLANK_LINES.finditer(head):  # noqa: B007  # the last one is wanted
        pass
    if blanks is not None and head[: blanks.start()].strip():
        return head[: blanks.start()].strip("\n"), text[blanks.end() :]
    lines = head.lstrip("\n").split("\n", 2)
    at = head.rfind("\n") + 1
    if len(lines) == 3 and begins_table(lines) and head[:at].count("\n") > 2:
        header = f"{lines[0]}\n{lines[1]}\n"
        if 2 * len(header.encode()) < part_bytes:
            return head[:at].strip("\n"), header + text[at:]
    at = _last_item(head) or _last_sentence(head) or head.rfind(" ") + 1 or len(head)
    return head[:at].strip("\n"), text[at:]


def _last_item(head: str) -> int:
    """Where the last item of the outermost list begins, 0 if nothing stands before it."""
    found, outermost = 0, None
    for item in _ITEM.finditer(head):
        indent = len(item["indent"])
        if outermost is None or indent <= outermost:
            outermost, found = indent, item.start()
    return found if head[:found].strip() else 0


def _last_sentence(head: str) -> int:
    for begin in (max(0, len(head) - _TAIL), 0):
        tail = head[begin:]
        end = len(tail.rstrip())
        *before, last = list(sentences(tail)) or [("", "")]
        if before:
            return begin + end - len(last[1])
    return 0
