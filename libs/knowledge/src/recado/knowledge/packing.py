"""Putting neighbouring short sections of a document together into one passage.

A help page has many sections of a few lines. Alone, such a passage quotes the introduction
without its steps, and shows a model little of the page; several together read like the page does.

What is promised, and tested for any sections:

* Nothing is lost, reordered or cut: the texts follow each other as they were.
* Together they are no longer than `size`; one that is longer by itself stays alone, as it is.
* A section joins those before it whenever it fits behind them.
* The path of the whole is what the paths of its sections have in common. What a section's path
  has beyond that stands above its text as a heading block. A section behind another one always
  has a heading line, its last one if nothing else is left, so that it is seen where it begins;
  one without any path is therefore packed only behind others without.
* A question with its answer (a section whose text begins with a question or heading, as a row of
  an FAQ does) stays alone: each is a passage of its own, and no answer stands near another's
  question. Where the heading is the question it stands above its answer in any case.
* Sections of different pages stay apart. One without a page goes with any.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from recado.knowledge.blocks import heading, is_heading, is_question
from recado.knowledge.model import SECTION_SEPARATOR, Section


def packed(sections: Iterable[Section], size: int) -> Iterator[Section]:
    """The sections in order, neighbours joined up to `size` characters."""
    group: list[Section] = []
    for section in sections:
        if group and not _takes(group, section, size):
            yield _joined(group)
            group = []
        group.append(section)
    if group:
        yield _joined(group)


def _takes(group: Sequence[Section], section: Section, size: int) -> bool:
    together = [*group, section]
    if any(_asks(each) for each in (group[-1], section)):
        return False
    if len({each.page for each in together if each.page is not None}) > 1:
        return False
    if group[-1].path and not section.path:
        return False
    return len(_joined(together).text) <= size


def _asks(section: Section) -> bool:
    first = section.text.split("\n", 1)[0]
    return is_question(first) or is_heading(first)


def _joined(group: Sequence[Section]) -> Section:
    common = _common([section.path for section in group])
    blocks: list[str] = []
    for section in group:
        below = section.path[len(common) :] or (section.path[-1:] if blocks else ())
        if below:
            blocks.append(heading(SECTION_SEPARATOR.join(below)))
        blocks.append(section.text)
    page = next((section.page for section in group if section.page is not None), None)
    return Section(common, "\n\n".join(blocks), page)


def _common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    # In alphabetical order the first and the last one differ wherever any two do.
    pairs = zip(min(paths), max(paths), strict=False)
    return tuple(name for name, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
