"""The sample that Recado is shown with, as tests search it: its pages and its questions."""

import hashlib
from collections.abc import Iterator
from typing import TypedDict

import yaml

from recado.devstack.sample import PAGES
from recado.devstack.sample import QUESTIONS as QUESTIONS_FILE
from recado.knowledge import Document
from recado.knowledge.extraction import extract
from recado.schemas import ids


class Question(TypedDict):
    """What is asked, the page that answers it, and words of the answer."""

    question: str
    page: str
    contains: str


QUESTIONS: list[Question] = yaml.safe_load(QUESTIONS_FILE.read_text(encoding="utf-8"))


def documents() -> Iterator[Document]:
    """Each page, read as the indexer would."""
    for path in sorted(PAGES.glob("*.md")):
        extracted = extract(path)
        yield Document(
            id=ids.document_id("sample", path.name),
            source=path.name,
            title=extracted.title,
            language=extracted.language,
            content_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            sections=extracted.sections,
        )
