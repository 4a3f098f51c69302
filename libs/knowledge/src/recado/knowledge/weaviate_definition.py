"""What the two collections are: made from code, and compared with what a server holds.

`RecadoPassage` has one object per chunk, of every version that is visible, staged or left over.
`RecadoDocument` has one object per document, its manifest, which says which version is visible.
How words are analysed can't be changed later (https://docs.weaviate.io/weaviate/config-refs/collections),
so another definition or another embedder needs another pair of collections.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Final, Self

from weaviate.classes.config import (
    Configure,
    DataType,
    Property,
    Tokenization,
    VectorDistances,
)
from weaviate.collections.classes.config import CollectionConfig, PropertyConfig
from weaviate.collections.collections.async_ import _CollectionsAsync

from recado.knowledge.port import Embedder
from recado.knowledge.weaviate_stems import stop_words

DEFINITION: Final = "1"
"""Raised when stems or meanings change in a way that the server's definition does not show."""

STEMS: Final = "stems"
"""The property whose words are indexed: title, section path and text, stemmed."""

_STOP_WORDS: Final = "es"
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a property is kept. Nothing is indexed that no filter and no search asks for."""

    type: DataType
    filterable: bool = False
    words: bool = False


_TEXT: Final = _Kind(DataType.TEXT)
_PASSAGE: Final = {
    "document": _Kind(DataType.UUID, filterable=True),
    "version": _Kind(DataType.TEXT, filterable=True),
    "part": _Kind(DataType.INT, filterable=True),
    "position": _Kind(DataType.INT, filterable=True),
    "title": _TEXT,
    "section": _TEXT,
    "text": _TEXT,
    "page": _Kind(DataType.INT),
    "source": _TEXT,
    "content_sha256": _TEXT,
    "language": _TEXT,
    STEMS: _Kind(DataType.TEXT, words=True),
}
_DOCUMENT: Final = {
    "source": _TEXT,
    "title": _TEXT,
    "content_sha256": _TEXT,
    "chunks": _Kind(DataType.INT),
    "version": _TEXT,
    "fingerprint": _TEXT,
    "revision": _TEXT,
}

Differences = dict[str, tuple[str, str]]
"""Name of what differs: (what is stored, what is configured)."""


@dataclass(frozen=True, slots=True)
class CollectionNames:
    """The names of the two collections on the server."""

    passages: str
    documents: str

    @classmethod
    def of(cls, prefix: str) -> Self:
        return cls(f"{prefix}Passage", f"{prefix}Document")

    @property
    def both(self) -> tuple[str, str]:
        return self.passages, self.documents


async def make_passages(collections: _CollectionsAsync, name: str, embedder: Embedder) -> None:
    """Create the passages' collection. Raises the client's errors."""
    await collections.create(
        name,
        description=json.dumps(_identity(embedder)),
        vector_config=Configure.Vectors.self_provided(
            vector_index_config=Configure.VectorIndex.hnsw(distance_metric=VectorDistances.COSINE)
        ),
        inverted_index_config=Configure.inverted_index(
            stopword_presets={_STOP_WORDS: stop_words()}
        ),
        properties=[_property(name, kind) for name, kind in _PASSAGE.items()],
    )


async def make_documents(collections: _CollectionsAsync, name: str) -> None:
    """Create the manifests' collection. They have no vectors."""
    await collections.create(
        name,
        description=json.dumps({"definition": DEFINITION}),
        vector_config=Configure.Vectors.self_provided(),
        properties=[_property(name, kind) for name, kind in _DOCUMENT.items()],
    )


def passage_differences(stored: CollectionConfig, embedder: Embedder) -> Differences:
    """What of the passages' collection is not as this process would make it; empty if nothing."""
    presets = stored.inverted_index_config.stopword_presets or {}
    found = {
        **_stored_identity(stored),
        "distance": _distance(stored),
        "stop words": _words(presets.get(_STOP_WORDS, [])),
        **_stored_properties(stored),
    }
    wanted = {
        **_identity(embedder),
        "distance": VectorDistances.COSINE.value,
        "stop words": _words(stop_words()),
        **_wanted_properties(_PASSAGE),
    }
    return _differences(found, wanted)


def document_differences(stored: CollectionConfig) -> Differences:
    """The same of the manifests' collection."""
    found = {**_stored_identity(stored), **_stored_properties(stored)}
    return _differences(found, {"definition": DEFINITION, **_wanted_properties(_DOCUMENT)})


def _identity(embedder: Embedder) -> dict[str, str]:
    return {
        "definition": DEFINITION,
        "embedder": embedder.name,
        "dimensions": str(embedder.dimensions),
    }


def _property(name: str, kind: _Kind) -> Property:
    analysis = Configure.text_analyzer(ascii_fold=True, stopword_preset=_STOP_WORDS)
    text = kind.type is DataType.TEXT
    return Property(
        name=name,
        data_type=kind.type,
        index_filterable=kind.filterable,
        index_searchable=kind.words if text else None,
        tokenization=_tokenization(kind),
        text_analyzer=analysis if kind.words else None,
    )


def _tokenization(kind: _Kind) -> Tokenization | None:
    if kind.type is not DataType.TEXT:
        return None
    return Tokenization.WORD if kind.words else Tokenization.FIELD


def _wanted_properties(kinds: dict[str, _Kind]) -> dict[str, str]:
    return {
        f"property {name}": _told(
            kind.type,
            _tokenization(kind),
            filterable=kind.filterable,
            searchable=kind.words,
            folded=kind.words,
            silent=_STOP_WORDS if kind.words else None,
        )
        for name, kind in kinds.items()
    }


def _stored_properties(stored: CollectionConfig) -> dict[str, str]:
    return {f"property {kept.name}": _told_property(kept) for kept in stored.properties}


def _told_property(kept: PropertyConfig) -> str:
    analysis = kept.text_analyzer
    return _told(
        kept.data_type,
        kept.tokenization,
        filterable=kept.index_filterable,
        searchable=kept.index_searchable,
        folded=analysis is not None and analysis.ascii_fold,
        silent=analysis.stopword_preset if analysis is not None else None,
    )


def _told(
    kind: DataType,
    tokenization: Tokenization | None,
    *,
    filterable: bool,
    searchable: bool,
    folded: bool,
    silent: str | None,
) -> str:
    told = [kind.value, f"cut by {tokenization.value}" if tokenization else ""]
    told.append("filterable" if filterable else "")
    told.append("searchable" if searchable else "")
    told.append("accents folded" if folded else "")
    told.append(f"stop words {silent}" if silent else "")
    return ", ".join(word for word in told if word)


def _distance(stored: CollectionConfig) -> str:
    for vectors in (stored.vector_config or {}).values():
        metric = getattr(vectors.vector_index_config, "distance_metric", None)
        return _UNKNOWN if metric is None else str(getattr(metric, "value", metric))
    return "without vectors"


def _words(words: list[str]) -> str:
    digest = hashlib.sha256(" ".join(sorted(words)).encode()).hexdigest()
    return f"{len(words)} ({digest[:8]})"


def _stored_identity(stored: CollectionConfig) -> dict[str, str]:
    try:
        kept = json.loads(stored.description or "{}")
    except ValueError:  # somebody else's words
        return {}
    return {str(name): str(value) for name, value in kept.items()} if isinstance(kept, dict) else {}


def _differences(found: dict[str, str], wanted: dict[str, str]) -> Differences:
    return {
        name: (found.get(name, _UNKNOWN), value)
        for name, value in wanted.items()
        if found.get(name) != value
    }
