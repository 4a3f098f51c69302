"""The indexer as a process, with vectors that cost nothing: `python -m support.quick_indexer`.

All but the embedder is the real thing. A text's vector is drawn by its hash, so nothing is found
by meaning; words are found as ever.
"""

import sys
from collections.abc import Sequence
from hashlib import blake2b
from unittest.mock import patch

import numpy as np

from recado.indexer import app
from recado.indexer.settings import IndexerSettings
from recado.servicekit import logs, service
from recado.servicekit.settings import load

DIMENSIONS = 512


class QuickEmbedder:
    """As many vectors a second as anybody wants."""

    name = "hashes"
    dimensions = DIMENSIONS
    no_answer_similarity = 0.1

    async def load(self) -> None:
        """Nothing to load."""

    async def aclose(self) -> None:
        """Nothing to close."""

    async def embed_query(self, text: str) -> list[float]:
        """See `Embedder`."""
        return self._vector(text)

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        """See `Embedder`."""
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        seed = int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
        drawn = np.random.default_rng(seed).standard_normal(DIMENSIONS)
        vector: list[float] = (drawn / np.linalg.norm(drawn)).tolist()
        return vector


def main() -> int:
    """Run until a signal says stop."""
    settings = load(IndexerSettings)
    logs.configure("indexer", settings.log_level, settings.log_format)
    with patch.object(app, "make_embedder", lambda *_, **__: QuickEmbedder()):
        return service.run(lambda: app.App(settings))


if __name__ == "__main__":
    sys.exit(main())
