"""A bounded cache of query vectors: customers ask the same things.

The least recently used goes first. Passages are not cached: each is embedded once anyway.
"""

from array import array
from collections import OrderedDict
from collections.abc import Sequence

from recado.knowledge.port import Embedder


class CachedEmbedder:
    """An embedder that remembers the vectors of the last `max_entries` different queries.

    Memory: 8 bytes per dimension and entry, and the text. Failures are not remembered. Two tasks
    that ask for one new text at the same moment both compute it.
    """

    def __init__(self, embedder: Embedder, max_entries: int = 1024) -> None:
        if max_entries < 1:
            raise ValueError(f"max_entries must be at least 1, not {max_entries}")
        self._embedder = embedder
        self._max_entries = max_entries
        self._vectors: OrderedDict[str, array[float]] = OrderedDict()
        self.hits = 0
        self.misses = 0

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def dimensions(self) -> int:
        return self._embedder.dimensions

    @property
    def no_answer_similarity(self) -> float:
        return self._embedder.no_answer_similarity

    async def embed_query(self, text: str) -> list[float]:
        known = self._vectors.get(text)
        if known is not None:
            self.hits += 1
            self._vectors.move_to_end(text)
            return known.tolist()
        self.misses += 1
        vector = await self._embedder.embed_query(text)
        self._vectors[text] = array("d", vector)
        self._vectors.move_to_end(text)
        while len(self._vectors) > self._max_entries:
            self._vectors.popitem(last=False)
        return vector

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        return await self._embedder.embed_passages(texts)
