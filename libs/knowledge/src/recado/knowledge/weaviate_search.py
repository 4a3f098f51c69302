"""Hybrid search that sees one version of each document, though Weaviate has no transactions.

Weaviate finds candidates among the chunks of all versions; then the manifests of their documents
are read, and chunks of any other version are dropped. A version that was published while the
search ran may have been seen in part. So a manifest must have stood before the search began: its
revision was seen by this process earlier, or it is older than clocks may differ. Otherwise the
search is made again, the manifests being known now, and so it is when chunks that were dropped took
the places of others; those versions are left out from then on. Where documents change faster than
that, the last try counts: each document still comes in one version, perhaps not with all its best.
"""

import math
import operator
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, cast
from uuid import UUID

from weaviate.classes.query import Filter, HybridFusion, MetadataQuery
from weaviate.collections import CollectionAsync

from recado.knowledge.fusion import DENSE_WEIGHT
from recado.knowledge.model import Passage
from recado.knowledge.weaviate_definition import STEMS
from recado.knowledge.weaviate_objects import (
    READ_OF_CHUNK,
    Manifest,
    StoredChunk,
    StoredManifest,
    manifest,
    passage,
)
from recado.knowledge.weaviate_stems import stemmed

SPARE_CANDIDATES: Final = 20
"""How many more than asked for are fetched, at least, for some may be of another version."""

_TRIES: Final = 8
_MOST_CANDIDATES: Final = 1000
_SETTLED: Final = timedelta(minutes=5)
"""Older than this by the server's clock, a manifest stood before any search of now."""
_REMEMBERED: Final = 10_000
_ROUNDING: Final = 1e-5


@dataclass(frozen=True, slots=True)
class _Candidate:
    chunk: StoredChunk
    score: float
    vector: Sequence[float]


async def read_manifest(documents: CollectionAsync, document_id: UUID) -> Manifest | None:
    """The manifest of one document, also in the moment of its change.

    By the cursor, which reads the objects themselves. A filter goes through an index, where an
    object that is being replaced is missing for a moment.
    """
    before = UUID(int=max(document_id.int - 1, 0))
    read = await documents.query.fetch_objects(limit=1, after=before)
    for one in read.objects:
        if one.uuid == document_id:
            return manifest(one.uuid, cast("StoredManifest", one.properties))
    return None


class HybridSearch:
    """Searches one pair of collections, and remembers the revisions that it saw lately."""

    def __init__(self) -> None:
        # By document: the revision, and when this process saw it first.
        self._revisions: OrderedDict[UUID, tuple[str, float]] = OrderedDict()

    async def find(
        self,
        passages: CollectionAsync,
        documents: CollectionAsync,
        query: str,
        vector: list[float],
        n: int,
        max_distance: float | None,
    ) -> list[Passage]:
        """The `n` best passages, the best first. Raises the client's errors."""
        words = stemmed(query)
        limit = max(2 * n, n + SPARE_CANDIDATES)
        left_out: dict[str, UUID] = {}  # versions that nobody sees, and whose they are
        standing: list[_Candidate] = []
        for tried in range(_TRIES):
            begun = time.monotonic()
            found = await _candidates(passages, words, vector, limit, max_distance, left_out)
            of = {one.chunk["document"] for one in found} | set(left_out.values())
            manifests = await self._manifests(documents, of, begun)
            standing = [one for one in found if _visible(one, manifests)]
            crowded_out = len(standing) < n and len(standing) < len(found) == limit
            gone = not found and tried == 0  # perhaps: the only document, replaced meanwhile
            if manifests.stood and not crowded_out and not gone:
                break
            if crowded_out:
                limit = min(2 * limit, _MOST_CANDIDATES)
                hidden = [one.chunk for one in found if not _visible(one, manifests)]
                left_out |= {chunk["version"]: chunk["document"] for chunk in hidden}
            # One that was published meanwhile is seen now.
            seen = {current.version for current in manifests.current.values()}
            left_out = {version: of for version, of in left_out.items() if version not in seen}
        return _ranked(standing, vector, max_distance)[:n]

    async def _manifests(
        self, documents: CollectionAsync, of: set[UUID], begun: float
    ) -> "_Manifests":
        ids = list(of)
        if not ids:
            return _Manifests({}, stood=True)
        read = await documents.query.fetch_objects(
            filters=Filter.by_id().contains_any(ids),
            limit=len(ids),
            return_metadata=MetadataQuery(last_update_time=True),
        )
        settled = datetime.now(UTC) - _SETTLED
        stood = True
        current = {}
        for one in read.objects:
            current[one.uuid] = manifest(one.uuid, cast("StoredManifest", one.properties))
            changed = one.metadata.last_update_time
            if changed is None or changed > settled:
                stood &= self._first_seen(current[one.uuid]) <= begun
        for document in of - current.keys():
            alone = await read_manifest(documents, document)
            if alone is not None:
                current[document] = alone
                stood &= self._first_seen(alone) <= begun
        return _Manifests(current, stood=stood)

    def _first_seen(self, current: Manifest) -> float:
        """When this revision was first seen, by the clock that only goes forward."""
        document = current.document.id
        revision, since = self._revisions.get(document, ("", 0.0))
        if revision != current.revision:
            since = time.monotonic()
            self._revisions[document] = (current.revision, since)
        self._revisions.move_to_end(document)
        if len(self._revisions) > _REMEMBERED:
            self._revisions.popitem(last=False)
        return since


@dataclass(frozen=True, slots=True)
class _Manifests:
    """By document. `stood`: all of them did before the search began."""

    current: dict[UUID, Manifest]
    stood: bool


async def _candidates(
    passages: CollectionAsync,
    words: str,
    vector: list[float],
    limit: int,
    max_distance: float | None,
    left_out: Collection[str],
) -> list[_Candidate]:
    found = await passages.query.hybrid(
        query=words,
        query_properties=[STEMS],
        vector=vector,
        alpha=DENSE_WEIGHT,
        fusion_type=HybridFusion.RELATIVE_SCORE,
        # Weaviate reckons with 32 bits: what is just within must not be lost here already.
        max_vector_distance=None if max_distance is None else max_distance + _ROUNDING,
        limit=limit,
        filters=Filter.by_property("version").contains_none(sorted(left_out)) if left_out else None,
        include_vector=True,
        return_metadata=MetadataQuery(score=True),
        return_properties=READ_OF_CHUNK,
    )
    return [
        _Candidate(
            cast("StoredChunk", one.properties),
            one.metadata.score or 0.0,
            cast("Sequence[float]", one.vector["default"]),
        )
        for one in found.objects
    ]


def _visible(candidate: _Candidate, manifests: _Manifests) -> bool:
    current = manifests.current.get(candidate.chunk["document"])
    return current is not None and current.version == candidate.chunk["version"]


def _ranked(
    standing: list[_Candidate], vector: Sequence[float], max_distance: float | None
) -> list[Passage]:
    # No score of the server's says how far a passage is, on a hybrid search least of all.
    passages = [
        passage(one.chunk, score=min(one.score, 1.0), similarity=_cosine(one.vector, vector))
        for one in standing
    ]
    near = [
        found for found in passages if max_distance is None or 1 - found.similarity <= max_distance
    ]
    return sorted(near, key=lambda one: (-one.score, -one.similarity, one.source, one.position))


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(map(operator.mul, one, other)) / lengths if lengths else 0.0
