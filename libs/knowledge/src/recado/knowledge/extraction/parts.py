"""A file read part by part, so that its size does not matter to what embeds and stores it.

The parts are consecutive runs of the document's sections. There is at least one, none is empty,
and each is at most `part_bytes` of UTF-8 (texts and section paths together). A section larger than
that goes on in the next part under the same path and page; the cut falls as `splitting` says:
never inside a sentence, list item or table row that fits a part.

Text and CSV are read from the file as the parts are asked for: memory is bounded by some parts,
whatever the file's size. The other kinds are parsed as a whole within the bounds of `limits`; PDF
and DOCX in a process of their own (`guarded`), so that a file made to exhaust its reader takes
nothing else down.
"""

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction.csv_rows import read_csv
from recado.knowledge.extraction.decoding import decoded, open_regular, settle_encoding
from recado.knowledge.extraction.guarded import read_guarded
from recado.knowledge.extraction.kinds import CSV, DOCX, PDF, TEXT, kind_of, named_type
from recado.knowledge.extraction.limits import LEAST_PART_BYTES, PART_BYTES, check_size
from recado.knowledge.extraction.outline import title_of_name
from recado.knowledge.extraction.splitting import pieces
from recado.knowledge.extraction.text import read_text
from recado.knowledge.extraction.whole import NOTHING, extracted
from recado.knowledge.model import DEFAULT_LANGUAGE, Section


@dataclass(frozen=True, slots=True)
class Extraction:
    """A file being read. `language` is an IETF tag, `media_type` what the file is by its content.

    `parts` can be gone through once. It holds the file open (or its reader's process running)
    until it is at its end: `contextlib.closing(extraction)` where it may be left early.
    """

    title: str
    language: str
    media_type: str
    parts: Iterator[tuple[Section, ...]]

    def close(self) -> None:
        """Let go of the file. May be called at any time and again; `parts` is then at its end."""
        if isinstance(self.parts, Generator):
            self.parts.close()


def open_document(
    path: Path, *, name: str | None = None, part_bytes: int = PART_BYTES
) -> Extraction:
    """Begin to read a file. `name` is what errors call it, and what its ending says is its kind;
    without it both are the path.

    Raises InvalidDocument for a file that can't be taken, OSError for one that can't be opened or
    read, ValueError for parts too small. Most reasons against a file are found here; a page or
    row that can't be read is found when its part is asked for, and raises InvalidDocument there.
    What came before is then of a document that is refused.
    """
    if part_bytes < LEAST_PART_BYTES:
        raise ValueError(f"part_bytes must be at least {LEAST_PART_BYTES:,}, not {part_bytes:,}")
    told = name or str(path)
    ending = PurePath(told).suffix
    named_type(PurePath(told), told)
    with ExitStack() as opened:
        file = opened.enter_context(open_regular(path, told))
        media_type = kind_of(file, ending, told)
        check_size(os.fstat(file.fileno()).st_size, media_type, told)
        if media_type in {PDF, DOCX}:
            read = read_guarded(path, media_type, told)
            title, language, sections = read.title, read.language, read.sections
        elif media_type in {TEXT, CSV}:
            text = decoded(file, settle_encoding(file, told), told)
            if media_type == CSV:
                title, sections = None, read_csv(text, told)
            else:
                title, sections = read_text(text, part_bytes)
            language = None
        else:
            document = extracted(file.read(), media_type, told)
            title, language = document.title, document.language
            sections = iter(document.sections)
        parts = in_parts(sections, part_bytes)
        first = next(parts, None)  # what refuses the whole file is found here
        if first is None:
            raise InvalidDocument(told, NOTHING)
        return Extraction(
            title or title_of_name(PurePath(told).stem),
            language or DEFAULT_LANGUAGE,
            media_type,
            _held_open(first, parts, opened.pop_all()),
        )


def in_parts(sections: Iterable[Section], part_bytes: int) -> Iterator[tuple[Section, ...]]:
    """The sections in runs of at most so many bytes, larger ones cut as `splitting` says."""
    held: list[Section] = []
    size = 0
    for section in sections:
        above = sum(len(each.encode()) for each in section.path)
        for text in pieces([section.text], part_bytes - above):
            grown = above + len(text.encode())
            if held and size + grown > part_bytes:
                yield tuple(held)
                held, size = [], 0
            held.append(replace(section, text=text))
            size += grown
    if held:
        yield tuple(held)


def _held_open(
    first: tuple[Section, ...], rest: Iterator[tuple[Section, ...]], opened: ExitStack
) -> Iterator[tuple[Section, ...]]:
    with opened:
        yield first
        yield from rest
