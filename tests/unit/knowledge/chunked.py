"""Texts and documents for the chunker, made by hand and by Hypothesis, and how chunks are read."""

from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st

from recado.knowledge.chunking import ChunkingOptions, chunk_text
from recado.knowledge.model import Document, Section

DOCUMENT = UUID("8a0f1c9e-2f5b-4a3e-9c1d-0d5b6a7e8f90")
SMALL = ChunkingOptions(target=60, maximum=90)
DEAR = settings(max_examples=settings().max_examples // 2)
"""Half as many examples as elsewhere: whole documents take long to draw."""


def squashed(text: str) -> str:
    return "".join(text.split())


def chunks(text: str, options: ChunkingOptions = SMALL) -> list[str]:
    return list(chunk_text(text, options))


def document(*sections: Section) -> Document:
    return Document(
        id=DOCUMENT,
        source="ayuda/router.md",
        title="El router",
        language="es",
        content_sha256="0" * 64,
        sections=sections,
    )


SENTENCE = st.builds(
    lambda words, end: " ".join(words).capitalize() + end,
    st.lists(
        st.sampled_from(["luz", "módem", "el", "señal", "3", "cable"]), min_size=1, max_size=12
    ),
    st.sampled_from([".", "!", "…", ":"]),  # questions are repeated: they have their own tests
)

PARAGRAPH = st.lists(SENTENCE, min_size=1, max_size=8).map(" ".join)

LIST = st.lists(PARAGRAPH, min_size=1, max_size=6).map(
    lambda items: "\n".join(f"{n}. {item}" for n, item in enumerate(items, start=1))
)

OPTIONS = st.tuples(st.integers(1, 200), st.integers(0, 200)).map(
    lambda sizes: ChunkingOptions(target=sizes[0], maximum=sizes[0] + sizes[1])
)
