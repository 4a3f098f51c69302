"""A bounded cache of query vectors: customers ask the same things.

The least recently used goes first. Passages are not cached: each is embedded once anyway.
"""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal

from recado.knowledge.port import Embedder

Lookup = Literal["hit", "miss"]


class CachedEmbedder:
    """An embedder that remembers the vectors of the last `max_entries` different queries.

    Memory: 8 bytes per dimension and entry, and some 300 more per entry, however long the queries
    are: their texts are not kept. Failures are not remembered. Two tasks that ask for one new text
    at the same moment both compute it. `observe` is told of each lookup.
    """

    def __init__(
        self,
        embedder: Embedder,
        max_entries: int = 1024,
        *,
        observe: Callable[[Lookup], None] = lambda lookup: None,
    ) -> None:
        if max_entries < 1:
            raise ValueError(f"max_entries must be at least 1, not {max_entries}")
        self._embedder = embedder
        self._max_entries = max_entries
        self._observe = observe
        self._vectors: OrderedDict[bytes, array[float]] = OrderedDict()

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
        key = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
        known = self._vectors.get(key)
        if known is not None:
            self._observe("hit")
            self._vectors.move_to_end(key)
            return known.tolist()
        self._observe("miss")
        vector = await self._embedder.embed_query(text)
        self._vectors[key] = array("d", vector)
        self._vectors.move_to_end(key)
        while len(self._vectors) > self._max_entries:
            self._vectors.popitem(last=False)
        return vector

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        return await self._embedder.embed_passages(texts)
