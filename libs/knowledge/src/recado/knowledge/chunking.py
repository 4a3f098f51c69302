"""Cutting a document into chunks along its structure.

What is promised, and tested for any text:

* Nothing is lost or reordered: but for white space, the chunks of a document together are its
  sections. Added are only a table's header, repeated in each chunk that holds rows of it, a
  question, repeated in each chunk that holds of its answer, and the headings of sections that
  share a chunk.
* A question of an FAQ (a line of its own, `blocks.is_question`, or a heading block) stands above
  its answer: alone in a chunk it stands never, and what is cut of a long answer has it again. A
  section whose heading is a question has it in its path, in every chunk. Sections that are a
  question with its answer are not packed with others' (`packing`).
* Neighbouring sections share a chunk while it stays within `pack` and `target` (`packing` says
  how). For that no section is cut: one that is cut because it is long shares no chunk.
* No sentence, list item or table row is cut, unless it alone is longer than `maximum`: an item is
  then cut between its sentences, and a "sentence" beyond LONGEST_SENTENCE, which is no language
  but data or a file without punctuation, between words.
* No chunk is longer than `maximum` but for a single sentence or row that is, a question above it.
* A line that announces a list or table ("Haz lo siguiente:") stays with its beginning.
* The same document and options give the same chunks.

Sizes are characters of the text; the title and section path, which are embedded with it, come on
top.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from recado.knowledge.blocks import begins_table, is_heading, is_question
from recado.knowledge.model import SECTION_SEPARATOR, Chunk, Document, Section
from recado.knowledge.packing import packed
from recado.knowledge.sentences import sentences

LONGEST_SENTENCE = 4000
"""Characters. Three times any sentence in the law; beyond it is not a sentence."""

_BLANK_LINES = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_ITEM = re.compile(r"(?P<indent>[^\S\n]*)(?:[-*+•]|\d{1,3}[.)])[^\S\n]+\S")


@dataclass(frozen=True, slots=True)
class ChunkingOptions:
    """`target` is where a chunk is full; `maximum` what it may reach to keep a whole together.

    `pack` is how far neighbouring sections fill one chunk, within the target; 0 gives each its
    own. The default is the middle of what did best with the sample's twenty questions, 750 to
    850: the first passage holds the words of all twenty answers, against 12 with every section
    apart, 17 at 600 and 19 at 900, where each section counts for less in the chunk's vector.
    """

    target: int = 900
    maximum: int = 1400
    pack: int = 800

    def __post_init__(self) -> None:
        if not 1 <= self.target <= self.maximum <= LONGEST_SENTENCE:
            raise ValueError(
                f"chunk sizes must be 1 <= target <= maximum <= {LONGEST_SENTENCE},"
                f" not target {self.target}, maximum {self.maximum}"
            )
        if self.pack < 0:
            raise ValueError(f"chunk sizes must not be negative: pack {self.pack}")


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What the units below it answer. Asked twice in a text it is two questions."""

    text: str


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is never cut. `gap` stands before it if it is not the first; `header` is its table's;
    `question` what it answers, the line ends behind it but for one included."""

    text: str
    gap: str
    header: str = ""
    question: _Question | None = None

    @property
    def announces(self) -> bool:
        return not self.header and self.text.endswith(":")


def chunk_document(document: Document, options: ChunkingOptions | None = None) -> list[Chunk]:
    """The document's chunks in order, positions counted from 0. Empty sections give none."""
    return [
        Chunk(
            document_id=document.id,
            position=position,
            title=document.title,
            section=SECTION_SEPARATOR.join(piece.path),
            text=piece.text,
            page=piece.page,
            source=document.source,
            content_sha256=document.content_sha256,
            language=document.language,
        )
        for position, piece in enumerate(_pieces(document.sections, options or ChunkingOptions()))
    ]


def _pieces(sections: Iterable[Section], options: ChunkingOptions) -> Iterator[Section]:
    """Parts of long sections, and between them the sections that need no cutting, packed."""
    size = min(options.pack, options.target)
    whole: list[Section] = []
    for section in sections:
        pieces = [replace(section, text=text) for text in chunk_text(section.text, options)]
        if len(pieces) <= 1:
            whole += pieces
            continue
        yield from packed(whole, size)
        whole = []
        yield from pieces
    yield from packed(whole, size)


def chunk_text(text: str, options: ChunkingOptions) -> Iterator[str]:
    """One section's text, written as `blocks` says, as chunk texts in order."""
    for units in _pack(list(_units(text, options.maximum)), options):
        yield _rendered(units)


def _rendered(units: Sequence[_Unit]) -> str:
    parts: list[str] = []
    header = ""
    question: _Question | None = None
    for unit in units:
        if parts:
            parts.append(unit.gap)
        if unit.question and unit.question != question:
            parts.append(unit.question.text + "\n")
            header = ""
        question = unit.question
        if unit.header and unit.header != header:
            parts.append(unit.header + "\n")
        header = unit.header
        parts.append(unit.text)
    return "".join(parts)


def _pack(units: Sequence[_Unit], options: ChunkingOptions) -> Iterator[list[_Unit]]:
    """Fill chunks up to the target; a short rest goes to the last one if it has room."""
    packed: list[list[_Unit]] = []
    current: list[_Unit] = []
    for unit in units:
        if current and not _takes(current, unit, options):
            carried = []
            if len(current) > 1 and current[-1].announces:
                carried = [current[-1]]
                if len(_rendered([*carried, unit])) > options.maximum:
                    carried = []
            packed.append(current[: len(current) - len(carried)])
            current = carried
        current.append(unit)
    if current:
        packed.append(current)
    if len(packed) > 1:
        rest, last = packed[-1], packed[-2]
        short = len(_rendered(rest)) < options.target // 4
        if short and len(_rendered([*last, *rest])) <= options.maximum:
            packed[-2:] = [[*last, *rest]]
    yield from packed


def _takes(current: Sequence[_Unit], unit: _Unit, options: ChunkingOptions) -> bool:
    size = len(_rendered([*current, unit]))
    if size <= options.target:
        return True
    # What announces the unit, and nothing else, must not stand alone for the target's sake.
    return len(current) == 1 and current[0].announces and size <= options.maximum


def _units(text: str, maximum: int) -> Iterator[_Unit]:
    question: _Question | None = None
    answered = True
    for block in _BLANK_LINES.split(text.strip("\n")):
        if not block.strip():
            continue
        lines = block.split("\n")
        if is_heading(block) or is_question(lines[0]):
            if question and not answered:
                yield _Unit(question.text.rstrip(), "\n\n")
            question, answered = _Question(lines[0].strip() + ("" if lines[1:] else "\n")), False
            lines = lines[1:]
            if not lines:
                continue
        room = maximum - len(question.text) - 1 if question else maximum
        if question and room < maximum // 2:  # too long to repeat
            if not answered:
                yield _Unit(question.text.rstrip(), "\n\n")
            question, answered, room = None, True, maximum
        units = _table_units(lines, room) if begins_table(lines) else _prose_units(lines, room)
        first = True
        for unit in units:
            asked = replace(unit, question=question)
            yield replace(asked, gap="\n\n") if first else asked
            first, answered = False, True
    if question and not answered:
        yield _Unit(question.text.rstrip(), "\n\n")


def _table_units(lines: Sequence[str], maximum: int) -> Iterator[_Unit]:
    header = "\n".join(line.strip() for line in lines[:2])
    rows = [line.strip() for line in lines[2:]]
    widest = max((len(row) for row in rows), default=0)
    if not rows or len(header) + 1 + widest > maximum:  # no room to repeat it
        for row in (*header.split("\n"), *rows):
            yield from _bounded(row, "\n")
        return
    for row in rows:
        yield _Unit(row, "\n", header)


def _prose_units(lines: Sequence[str], maximum: int) -> Iterator[_Unit]:
    """List items, each with its continuation lines and the items nested in it, and paragraphs."""
    runs: list[list[str]] = []
    outermost: int | None = None
    for line in lines:
        item = _ITEM.match(line)
        indent = len(item["indent"]) if item else 0
        if item and (outermost is None or indent <= outermost):
            outermost = indent
            runs.append([line])
        elif runs:
            runs[-1].append(line)
        else:
            runs.append([line])
    for run in runs:
        whole = "\n".join(run).strip()
        if len(whole) <= maximum:
            if whole:
                yield _Unit(whole, "\n")
            continue
        for position, (space, sentence) in enumerate(sentences(whole)):
            gap = "\n" if position == 0 or "\n" in space else " "
            yield from _bounded(sentence, gap)


def _bounded(sentence: str, gap: str) -> Iterator[_Unit]:
    while len(sentence) > LONGEST_SENTENCE:
        cut = sentence.rfind(" ", 1, LONGEST_SENTENCE)
        cut = LONGEST_SENTENCE if cut == -1 else cut
        head, sentence = sentence[:cut].rstrip(), sentence[cut:].lstrip()
        yield _Unit(head, gap)
        gap = " "
    if sentence:
        yield _Unit(sentence, gap)
