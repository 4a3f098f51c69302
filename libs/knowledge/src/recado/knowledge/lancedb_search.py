"""Hybrid search in one snapshot of a LanceDB table."""

import asyncio
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from lancedb import AsyncTable
from lancedb.query import MatchQuery

from recado.knowledge.fusion import fuse
from recado.knowledge.lancedb_table import CHUNK_COLUMNS, LIVE, WORDS, Row, passage
from recado.knowledge.model import Passage

CANDIDATES = 50
"""How many the vectors and the words each put forward, at least."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    row: Row
    similarity: float
    words: float = 0.0


async def hybrid_search(
    snapshot: AsyncTable, query: str, vector: list[float], n: int, max_distance: float | None
) -> list[Passage]:
    """The `n` best passages, the best first. The snapshot must not move during the search."""
    k = max(CANDIDATES, 2 * n)
    async with asyncio.TaskGroup() as tasks:
        near = tasks.create_task(_near(snapshot, vector, k))
        matching = tasks.create_task(_matching(snapshot, query, vector, k))
    candidates = near.result()
    for key, found in matching.result().items():
        known = candidates.get(key)
        similarity = known.similarity if known else found.similarity
        candidates[key] = _Candidate(found.row, similarity, found.words)
    scores = fuse(
        [candidate.similarity for candidate in candidates.values()],
        [candidate.words for candidate in candidates.values()],
    )
    scored = zip(scores, candidates.items(), strict=True)
    ranked = sorted(scored, key=lambda item: (-item[0], -item[1][1].similarity, item[1][0]))
    passages = [
        passage(candidate.row, score=score, similarity=candidate.similarity)
        for score, (_, candidate) in ranked
        if max_distance is None or 1 - candidate.similarity <= max_distance
    ]
    return passages[:n]


async def _near(table: AsyncTable, vector: list[float], k: int) -> dict[str, _Candidate]:
    query = table.query().nearest_to(vector).distance_type("cosine").where(LIVE).limit(k)
    found = await query.select(["id", *CHUNK_COLUMNS, "_distance"]).to_arrow()
    distances = found.column("_distance").to_pylist()
    return {
        key: _Candidate(row, similarity=1 - distance)
        for (key, row), distance in zip(_keyed(found), distances, strict=True)
    }


async def _matching(
    table: AsyncTable, query: str, vector: list[float], k: int
) -> dict[str, _Candidate]:
    # A MatchQuery is terms and nothing else; in a query string some characters would be syntax.
    terms = MatchQuery(query, WORDS)  # type: ignore[call-arg]  # its defaults are unseen by mypy
    matching = table.query().nearest_to_text(terms).where(LIVE).limit(k)
    found = await matching.select(["id", *CHUNK_COLUMNS, "vector", "_score"]).to_arrow()
    if found.num_rows == 0:
        return {}
    vectors = found.column("vector").combine_chunks().flatten().to_numpy()
    similarities = vectors.reshape(found.num_rows, -1) @ np.asarray(vector, dtype=np.float32)
    words = found.column("_score").to_pylist()
    return {
        key: _Candidate(row, similarity=float(similarity), words=score)
        for (key, row), similarity, score in zip(_keyed(found), similarities, words, strict=True)
    }


def _keyed(found: pa.Table) -> list[tuple[str, Row]]:
    keys: list[str] = found.column("id").to_pylist()
    rows: list[Row] = found.select(CHUNK_COLUMNS).to_pylist()
    return list(zip(keys, rows, strict=True))
