"""CSV: an FAQ, one question with its answer a row, or any other table.

It is an FAQ if its header, one of the first rows, names a column of questions and one of answers
(pregunta, respuesta, question, answer and the like, in any order and case, with or without
accents). What stands above the header is left out. Each row is then a
section: the question, below it the answer, and what other columns say of it, a line each; a
column of categories or topics gives the section path. A row without an answer (or without a
question) has nothing to index and is skipped; how many were is logged at INFO.

Any other CSV is a table whose header is its first row, in sections of some hundred rows.

The separator (comma, semicolon, tab or bar) is the one that makes the rows most alike; Excel's
`sep=;` line is understood. Cells may hold line ends within quotation marks. What looks like a
formula is text and stays as it is.
"""

import csv
import logging
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from recado.knowledge.blocks import heading, table_row
from recado.knowledge.errors import InvalidDocument
from recado.knowledge.extraction.limits import LONGEST_HEADING, MAX_ROW_CHARACTERS
from recado.knowledge.extraction.outline import one_line
from recado.knowledge.model import Section

_LOG = logging.getLogger(__name__)

_QUESTIONS: Final = frozenset(
    {
        *("pregunta", "preguntas", "pregunta frecuente", "preguntas frecuentes"),
        *("consulta", "consultas", "duda", "dudas", "question", "questions"),
    }
)
_ANSWERS: Final = frozenset(
    {"respuesta", "respuestas", "solucion", "soluciones", "answer", "answers", "reply"}
)
_CATEGORIES: Final = frozenset(
    {"categoria", "tema", "seccion", "grupo", "area", "category", "topic", "section", "group"}
)
_SEPARATORS: Final = (",", ";", "\t", "|")
_SAMPLE_ROWS: Final = 30
_HEADER_WITHIN: Final = 5
"""Rows in which an FAQ's header is looked for; people write a title above it."""

_TABLE_CHARACTERS: Final = 32 * 1024


@dataclass(frozen=True, slots=True)
class _Columns:
    question: int
    answer: int
    category: int | None


def read_csv(text: Iterable[str], name: str) -> Iterator[Section]:
    """The rows as sections, read as they are asked for. Raises InvalidDocument for a row that
    never ends."""
    lines = _lines(text, name)
    sample = list(islice(lines, _SAMPLE_ROWS))
    separator = None
    first = sample[0].strip().lower() if sample else ""
    if first.startswith("sep=") and len(first) == 5:
        separator, sample = first[4], sample[1:]
    separator = separator or _separator(sample)
    rows = _rows(csv.reader(chain(sample, lines), delimiter=separator), name)
    above = list(islice(rows, _HEADER_WITHIN))
    for place, header in enumerate(above):
        if columns := _faq_columns(header):
            return _faq(chain(above[place + 1 :], rows), header, columns, name)
    return _table(chain(above[1:], rows), above[0]) if above else iter(())


def _lines(text: Iterable[str], name: str) -> Iterator[str]:
    held = ""
    for piece in text:
        *whole, held = (held + piece).split("\n")
        for line in whole:
            yield line + "\n"
        if len(held) > MAX_ROW_CHARACTERS:
            raise InvalidDocument(
                name, f"not a table: a line of more than {MAX_ROW_CHARACTERS:,} characters"
            )
    if held:
        yield held


def _rows(reader: Iterator[list[str]], name: str) -> Iterator[list[str]]:
    number = 0
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:  # a field beyond csv's own limit of 131,072 characters
            raise InvalidDocument(
                name, f"not a readable CSV: row {number + 1:,}: {error}; is a quotation mark open?"
            ) from error
        if row is None:
            return
        number += 1
        if any(cell.strip() for cell in row):
            yield row


def _separator(sample: Sequence[str]) -> str:
    def fitness(separator: str) -> tuple[bool, float, int]:
        try:
            rows = [row for row in csv.reader(sample, delimiter=separator) if row]
        except csv.Error:
            return False, 0.0, 0
        faq = next((row for row in rows[:_HEADER_WITHIN] if _faq_columns(row)), None)
        header = faq or (rows[0] if rows else [])
        if len(header) < 2:
            return False, 0.0, 0
        alike = Counter(len(row) for row in rows)[len(header)]
        return faq is not None, alike / len(rows), len(header)

    return max(_SEPARATORS, key=fitness)


def _faq_columns(header: Sequence[str]) -> _Columns | None:
    names = [_folded(cell) for cell in header]

    def first(known: frozenset[str]) -> int | None:
        return next((place for place, told in enumerate(names) if told in known), None)

    question, answer = first(_QUESTIONS), first(_ANSWERS)
    if question is None or answer is None:
        return None
    return _Columns(question, answer, first(_CATEGORIES))


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.replace("_", " ").casefold())
    plain = "".join(each for each in apart if not unicodedata.combining(each))
    return one_line(plain).strip("¿?:. ")


def _faq(
    rows: Iterator[list[str]], header: Sequence[str], columns: _Columns, name: str
) -> Iterator[Section]:
    skipped = 0
    taken = {columns.question, columns.answer, columns.category}
    for row in rows:
        cells = [*row, *[""] * (len(header) - len(row))]
        question, answer = one_line(cells[columns.question]), _paragraphs(cells[columns.answer])
        if not question or not answer:
            skipped += 1
            continue
        category = one_line(cells[columns.category]) if columns.category is not None else ""
        others = [
            f"{one_line(told)}: {one_line(cell)}" if told.strip() else one_line(cell)
            for place, (told, cell) in enumerate(zip(header, cells, strict=False))
            if place not in taken and cell.strip()
        ]
        pair = (
            f"{question}\n{answer}"
            if question.endswith("?")
            else (f"{heading(question)}\n\n{answer}")
        )
        yield Section((category[:LONGEST_HEADING],) if category else (), "\n".join([pair, *others]))
    if skipped:
        _LOG.info("%s: %d rows without a question or an answer were skipped", name, skipped)


def _paragraphs(cell: str) -> str:
    return "\n".join(line.rstrip() for line in cell.strip().split("\n"))


def _table(rows: Iterator[list[str]], header: Sequence[str]) -> Iterator[Section]:
    width = len(header)
    above = [table_row(one_line(cell) for cell in header), table_row(["---"] * width)]
    lines: list[str] = []
    size = 0
    for row in rows:
        cells = [one_line(cell) for cell in row]
        if len(cells) > width:  # what has no column of its own stays readable in the last one
            cells[width - 1 :] = [" ".join(cells[width - 1 :])]
        lines.append(table_row([*cells, *[""] * (width - len(cells))]))
        size += len(lines[-1])
        if size > _TABLE_CHARACTERS:
            yield Section((), "\n".join([*above, *lines]))
            lines, size = [], 0
    if lines:
        yield Section((), "\n".join([*above, *lines]))
