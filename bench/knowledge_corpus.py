"""What the knowledge benchmark writes and asks: the sample's sentences, in documents without end.

A passage is sentences of one page, and some of others, up to the usual size. Its vector is made of
its sentences' vectors, which are the embedder's, and of a little noise: as near to one another as
real ones, without 7 ms of calculation for each. The same number always gives the same document.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise

import numpy as np
import yaml
from numpy.typing import NDArray

from recado.devstack.sample import PAGES, QUESTIONS
from recado.knowledge.embedders.use import UseEmbedder
from recado.knowledge.extraction.markdown import extract_markdown
from recado.knowledge.model import Chunk, Document
from recado.knowledge.sentences import sentences
from recado.schemas import ids

CHUNKS = 10
"""Chunks of a document."""

CHARACTERS = 800
"""What a passage has at least: about where the indexer's chunks end."""

NOISE = 0.3
"""Length of what is added to a vector of length 1: two passages of the same words are still two."""

ENDINGS = (
    "",
    "gracias",
    "es urgente",
    "ya llamé dos veces",
    "vivo en un segundo piso",
    "tengo el plan de 600",
    "me pasa desde ayer",
    "soy cliente hace años",
    "¿me ayudan?",
    "no entiendo la factura",
)

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Written:
    """A document with its chunks."""

    document: Document
    chunks: Sequence[Chunk]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the sample, its sentences with their vectors."""

    title: str
    sections: Sequence[str]
    sentences: Sequence[tuple[str, Vector]]


class MadeBefore:
    """An embedder whose vectors were made before: what remains is the store's own time."""

    def __init__(self, embedder: UseEmbedder) -> None:
        self.name = embedder.name
        self.dimensions = embedder.dimensions
        self.no_answer_similarity = embedder.no_answer_similarity
        self.vectors: dict[str, Vector] = {}

    async def embed_query(self, text: str) -> list[float]:
        found: list[float] = self.vectors[text].tolist()
        return found

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        return [await self.embed_query(text) for text in texts]


class Corpus:
    """Documents by number, and the questions. `made_before` has the vectors of all that it gave."""

    def __init__(
        self, pages: Sequence[Page], questions: Mapping[str, Vector], embedder: UseEmbedder
    ) -> None:
        self._pages = pages
        self.questions = tuple(questions)
        self.made_before = MadeBefore(embedder)
        self.made_before.vectors.update(questions)

    @classmethod
    async def made(cls, embedder: UseEmbedder) -> "Corpus":
        """Embeds the sentences and the questions: a few seconds."""
        pages = [await _page(path.read_text(), embedder) for path in sorted(PAGES.glob("*.md"))]
        asked = [one["question"] for one in yaml.safe_load(QUESTIONS.read_text())]
        questions = [f"{question} {ending}".strip() for ending in ENDINGS for question in asked]
        vectors = await embedder.embed_passages(questions)
        made = [np.array(vector, dtype=np.float32) for vector in vectors]
        return cls(pages, dict(zip(questions, made, strict=True)), embedder)

    def documents(self, first: int, count: int) -> list[Written]:
        """Those with the numbers from `first` on."""
        return [self._document(number) for number in range(first, first + count)]

    def _document(self, number: int) -> Written:
        page = self._pages[number % len(self._pages)]
        source = f"bench/{number}.md"
        title = f"{page.title} ({number})"
        document = Document(
            id=ids.document_id("bench", source),
            source=source,
            title=title,
            language="es",
            content_sha256=sha256(title.encode()).hexdigest(),
            sections=(),
        )
        drawn = random.Random(number)
        return Written(document, [self._chunk(document, page, n, drawn) for n in range(CHUNKS)])

    def _chunk(self, document: Document, page: Page, position: int, drawn: random.Random) -> Chunk:
        texts: list[str] = []
        vector = np.zeros(self.made_before.dimensions, dtype=np.float32)
        while sum(map(len, texts)) + len(texts) < CHARACTERS:
            of = page if drawn.random() < 0.7 else drawn.choice(self._pages)
            text, made = drawn.choice(of.sentences)
            texts.append(text)
            vector += made
        chunk = Chunk(
            document_id=document.id,
            position=position,
            title=document.title,
            section=drawn.choice(page.sections),
            text=" ".join(texts),
            page=None,
            source=document.source,
            content_sha256=document.content_sha256,
        )
        noise = np.random.default_rng(drawn.getrandbits(32)).standard_normal(len(vector))
        mixed = _unit(vector) + NOISE * _unit(noise.astype(np.float32))
        self.made_before.vectors[chunk.searchable] = _unit(mixed)
        return chunk


def merged(written: Sequence[Written]) -> Written:
    """One document of all their chunks, each with its own title: the vectors stay theirs."""
    source = f"merged/{written[0].document.source}"
    document = replace(
        written[0].document, id=ids.document_id("bench", source), source=source, title=source
    )
    chunks = [
        replace(
            chunk,
            document_id=document.id,
            position=position,
            source=source,
            content_sha256=document.content_sha256,
        )
        for position, chunk in enumerate(chunk for one in written for chunk in one.chunks)
    ]
    return Written(document, chunks)


def batches(chunks: Sequence[Chunk], size: int) -> list[Sequence[Chunk]]:
    """In order, the last one perhaps smaller."""
    edges = [*range(0, len(chunks), size), len(chunks)]
    return [chunks[start:end] for start, end in pairwise(edges)]


async def _page(text: str, embedder: UseEmbedder) -> Page:
    extracted = extract_markdown(text, "")
    said = [
        sentence
        for section in extracted.sections
        for _, sentence in sentences(section.text)
        if not sentence.isspace()
    ]
    vectors = await embedder.embed_passages(said)
    made = [np.array(vector, dtype=np.float32) for vector in vectors]
    headings = [section.path[-1] for section in extracted.sections if section.path]
    return Page(extracted.title, headings or [""], list(zip(said, made, strict=True)))


def _unit(vector: Vector) -> Vector:
    return vector / np.float32(np.linalg.norm(vector))
