"""One version of each document, though candidates and manifests are read one after the other."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast
from uuid import UUID

from weaviate.collections import CollectionAsync

from recado.knowledge import Passage
from recado.knowledge.weaviate_search import HybridSearch

DOCUMENT = UUID(int=7)
LONG_AGO = timedelta(hours=1)


class Server:
    """Chunks of versions by name, and the visible one. `between` runs after each search."""

    def __init__(self, visible: str, chunks: dict[str, int]) -> None:
        self.visible = visible
        self.chunks = chunks
        self.changed = datetime.now(UTC) - LONG_AGO
        self.between: Callable[[], None] = lambda: None
        self.searches = 0
        self.being_replaced = False
        self.query = self

    def publish(self, version: str, chunks: int) -> None:
        self.chunks = {version: chunks}
        self.visible = version
        self.changed = datetime.now(UTC)

    async def hybrid(self, *, limit: int, filters: object, **_: object) -> SimpleNamespace:
        self.searches += 1
        left_out = getattr(filters, "value", [])
        found = [
            _chunk(version, position)
            for version, count in self.chunks.items()
            for position in range(count)
            if version not in left_out
        ]
        self.between()
        return SimpleNamespace(objects=found[:limit])

    async def fetch_objects(self, **asked: object) -> SimpleNamespace:
        if self.being_replaced and "filters" in asked:
            return SimpleNamespace(objects=[])
        names = ("source", "title", "content_sha256", "fingerprint")
        properties = {
            **dict.fromkeys(names, "x"),
            "version": self.visible,
            "revision": f"of {self.visible}",
            "chunks": self.chunks.get(self.visible, 0),
        }
        metadata = SimpleNamespace(last_update_time=self.changed)
        found = SimpleNamespace(uuid=DOCUMENT, properties=properties, metadata=metadata)
        return SimpleNamespace(objects=[found])

    async def search(self, search: HybridSearch, n: int = 5) -> list[str]:
        """The version of each passage."""
        collection = cast("CollectionAsync", self)
        found: list[Passage] = await search.find(collection, collection, "luz", [1.0], n, None)
        return [passage.content_sha256 for passage in found]


def _chunk(version: str, position: int) -> SimpleNamespace:
    properties = {
        "document": DOCUMENT,
        "version": version,
        "position": position,
        **dict.fromkeys(("title", "section", "text", "source", "language"), ""),
        "page": None,
        "content_sha256": version,
    }
    metadata = SimpleNamespace(score=0.5)
    return SimpleNamespace(properties=properties, metadata=metadata, vector={"default": [1.0]})


async def test_a_document_that_has_stood_for_long_is_searched_for_once() -> None:
    server = Server("a", {"a": 3})
    assert await server.search(HybridSearch()) == ["a"] * 3
    assert server.searches == 1


async def test_a_version_published_during_the_search_is_found_whole() -> None:
    """The search saw the old chunks and one of the new ones, then the manifest changed."""
    server = Server("a", {"a": 2, "b": 1})
    changes = iter([lambda: server.publish("b", 3)])
    server.between = lambda: next(changes, lambda: None)()
    assert await server.search(HybridSearch()) == ["b"] * 3
    assert server.searches == 2


async def test_a_revision_that_was_seen_before_is_searched_for_once() -> None:
    server = Server("a", {})
    server.publish("b", 2)
    search = HybridSearch()
    await server.search(search)
    server.searches = 0
    assert await server.search(search) == ["b"] * 2
    assert server.searches == 1


async def test_a_manifest_that_is_just_being_replaced_is_not_taken_for_none() -> None:
    """The index that a filter goes through lacks an object while it is replaced."""
    server = Server("a", {"a": 3})
    server.being_replaced = True
    assert await server.search(HybridSearch()) == ["a"] * 3


async def test_chunks_that_nobody_sees_do_not_keep_others_from_being_found() -> None:
    server = Server("a", {"left over": 500, "a": 3})
    assert await server.search(HybridSearch()) == ["a"] * 3
    assert server.searches <= 3


async def test_where_all_changes_all_the_time_a_search_ends_with_one_version() -> None:
    server = Server("0", {"0": 4})

    def change() -> None:
        after = str(int(server.visible) + 1)
        server.chunks[after] = 4
        server.visible = after
        server.changed = datetime.now(UTC)

    server.between = change
    assert len(set(await server.search(HybridSearch(), 3))) <= 1
    assert server.searches < 20
