"""Plain text. A first line of its own, short and without a full stop, is the title."""

from collections.abc import Iterable, Iterator

from recado.knowledge.extraction.outline import one_line
from recado.knowledge.extraction.splitting import pieces
from recado.knowledge.model import Section

_LONGEST_TITLE = 120


def read_text(text: Iterable[str], part_bytes: int) -> tuple[str | None, Iterator[Section]]:
    """The title, if there is one, and the text in sections of at most so many bytes."""
    parts = pieces(text, part_bytes)
    first = next(parts, "")
    second = next(parts, None)
    title, rest = _titled(first, more=second is not None)

    def sections() -> Iterator[Section]:
        if rest.strip():
            yield Section((), rest.strip("\n"))
        if second is not None:
            yield Section((), second)
        for part in parts:
            yield Section((), part)

    return title, sections()


def _titled(text: str, *, more: bool) -> tuple[str | None, str]:
    head, _, rest = text.strip().partition("\n")
    alone = not rest.split("\n", 1)[0].strip() and (more or rest.strip())
    if alone and len(head) <= _LONGEST_TITLE and not head.rstrip().endswith((".", ":", ",", ";")):
        return one_line(head), rest
    return None, text
