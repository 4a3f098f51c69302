"""Citations in a model's answer, checked against the sources that it was given.

A citation is a number in square brackets, `[2]`. Models also write `[1, 3]`, `[Fuente 2]` or a
link; these are brought to the one form. A number that names no source is taken out of the text:
whatever a source or a customer told the model to cite, only what was retrieved can be cited.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from recado.schemas.answers import Citation, RetrievedPassage

_BRACKET = r"""
    \[\^?\s*(?:fuentes?\s*)?
    (?:\d{1,3}(?:\s*(?:,|;|y|-|–)\s*(?:fuente\s*)?\d{1,3})*)
    \s*\]
    (?:\([^()\s]*\))?
"""
_ONE = re.compile(_BRACKET, re.VERBOSE | re.IGNORECASE)
_RUN = re.compile(
    rf"(?P<space>[ \t]*)(?P<run>{_BRACKET}(?:[ \t]*{_BRACKET})*)", re.VERBOSE | re.IGNORECASE
)
_NUMBER_OR_DASH = re.compile(r"\d+|[-–]")
_FOOTER = re.compile(r"\n+\s*\**fuentes?:?\**:?\s*(?:\n.*|\[.*)?\Z", re.IGNORECASE | re.DOTALL)
_SPACE_BEFORE_POINT = re.compile(r"[ \t]+(?=[.,;:!?…](?:\s|$))")


@dataclass(frozen=True, slots=True)
class Cited:
    """A text whose every citation is good, and the sources in the order of their first use."""

    text: str
    citations: tuple[Citation, ...]
    unknown: tuple[int, ...]
    """Numbers that were taken out, because there is no such source."""


def check(text: str, passages: Sequence[RetrievedPassage]) -> Cited:
    """Bring the citations of `text` to one form and take out those that name no passage.

    Passages are numbered from 1. A list of sources at the end goes too: it is written anew from
    what was really cited.
    """
    used: dict[int, Citation] = {}
    unknown: dict[int, None] = {}

    def known_only(found: re.Match[str]) -> str:
        kept = ""
        for number in _numbers(found["run"]):
            if 1 <= number <= len(passages):
                used.setdefault(number, cite(number, passages[number - 1]))
                kept += f"[{number}]"
            else:
                unknown.setdefault(number)
        return found["space"] + kept if kept else ""

    checked = _RUN.sub(known_only, _FOOTER.sub("", text))
    checked = _SPACE_BEFORE_POINT.sub("", checked) if unknown else checked
    return Cited(checked.strip(), tuple(used.values()), tuple(unknown))


def cite(number: int, passage: RetrievedPassage) -> Citation:
    """The citation of a passage under this number."""
    return Citation(
        number=number,
        document_id=passage.document_id,
        chunk_id=passage.chunk_id,
        title=passage.title,
        source=passage.source,
        section=passage.section,
        page=passage.page,
    )


def listed(citations: Sequence[Citation]) -> str:
    """The sources as the customer sees them, each once: `[1][3] Title`, or of a file with pages
    `[2] Title, pág. 4`."""
    numbers: dict[str, str] = {}
    for citation in citations:
        place = citation.title + (f", pág. {citation.page}" if citation.page else "")
        numbers[place] = numbers.get(place, "") + f"[{citation.number}]"
    return "\n".join(f"{cited} {place}" for place, cited in numbers.items())


def without_citations(text: str) -> str:
    """The text without its citations and its list of sources."""
    return _RUN.sub("", _FOOTER.sub("", text)).strip()


def _numbers(run: str) -> list[int]:
    return [number for one in _ONE.findall(run) for number in _numbers_in(one)]


def _numbers_in(bracket: str) -> list[int]:
    numbers: list[int] = []
    span = False
    for part in _NUMBER_OR_DASH.findall(bracket.partition("]")[0]):
        if not part.isdecimal():
            span = True
            continue
        number = int(part)
        if span and numbers and numbers[-1] < number:
            numbers.extend(range(numbers[-1] + 1, number))
        span = False
        numbers.append(number)
    return numbers
