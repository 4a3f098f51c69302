"""Writing objects in bounded batches, and taking away what nobody sees any more."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from weaviate.classes.aggregate import GroupByAggregate, Metrics
from weaviate.classes.query import Filter
from weaviate.collections import CollectionAsync
from weaviate.collections.classes.filters import _Filters
from weaviate.exceptions import WeaviateInsertManyAllFailedError

from recado.knowledge.errors import InvalidDocument, KnowledgeError, KnowledgeUnavailable
from recado.knowledge.weaviate_connection import Connection
from recado.knowledge.weaviate_objects import Object

# Said of an object that the server will never take, as measured with 1.39. All else may pass.
_OF_THE_OBJECT: Final = ("vector dimensions", "vector with length", "invalid ", "not a valid")
_FORBIDDEN: Final = "insufficient permissions"
# A deletion matches at most the server's QUERY_MAXIMUM_RESULTS, 10,000 unless it is set otherwise.
_CERTAINLY_MATCHED_AT_ONCE: Final = 1_000
_NO_VERSION: Final = "none"  # versions are digests


async def insert(
    collection: CollectionAsync, objects: Sequence[Object], source: str, connection: Connection
) -> None:
    """Write these objects, each in the place of the one with its id; durable on return.

    Raises InvalidDocument if the server refuses one for what it is and KnowledgeUnavailable if one
    was not written for another reason: the others may be written then.
    """
    try:
        result = await collection.data.insert_many(objects)
    except WeaviateInsertManyAllFailedError as error:
        raise _failure([str(error)], len(objects), source, connection) from None
    if result.errors:
        messages = [error.message for error in result.errors.values()]
        raise _failure(messages, len(objects), source, connection)


async def settle(passages: CollectionAsync) -> None:
    """Make what was inserted outlive a SIGKILL of the server, its place among the vectors too.

    Measured with 1.39.0: killed right after an insertion, the server has all objects and their
    words when it is back, but the vector index lacks the last one, for good. A deletion, of nothing
    even, writes that index's log out.
    """
    await passages.data.delete_many(where=Filter.by_property("version").equal(_NO_VERSION))


async def forget_other_versions(
    passages: CollectionAsync, document_id: UUID, keep: str | None
) -> None:
    """Delete the chunks of every version but `keep`, those that are staged or left over too."""
    of_document = Filter.by_property("document").equal(document_id)
    counted = await passages.aggregate.over_all(
        filters=of_document, group_by=GroupByAggregate(prop="version"), total_count=True
    )
    # By name, never "all but": carried out late it must not meet a version that comes after.
    for group in counted.groups:
        version = str(group.grouped_by.value)
        if version != keep:
            await _delete(passages, of_document & Filter.by_property("version").equal(version))


async def forget_from_part(
    passages: CollectionAsync, version: str, part: int, first: int, count: int
) -> None:
    """Delete what the part and those behind it have beyond the `count` positions from `first`."""
    position = Filter.by_property("position")
    outside = position.less_than(first) | position.greater_or_equal(first + count)
    from_part = Filter.by_property("part").greater_or_equal(part)
    where = Filter.by_property("version").equal(version) & from_part
    await _delete(passages, where & outside if count else where)


async def count_before(passages: CollectionAsync, version: str, part: int) -> int:
    """How many chunks of the version are in parts below this one."""
    below = Filter.by_property("part").less_than(part)
    counted = await passages.aggregate.over_all(
        filters=Filter.by_property("version").equal(version) & below, total_count=True
    )
    return counted.total_count or 0


async def positions(passages: CollectionAsync, version: str) -> tuple[int, int, int]:
    """How many chunks the version has, and their lowest and highest position."""
    counted = await passages.aggregate.over_all(
        filters=Filter.by_property("version").equal(version),
        total_count=True,
        return_metrics=Metrics("position").integer(minimum=True, maximum=True),
    )
    bounds = counted.properties.get("position")
    lowest, highest = getattr(bounds, "minimum", None), getattr(bounds, "maximum", None)
    return counted.total_count or 0, int(lowest or 0), int(highest or 0)


async def _delete(passages: CollectionAsync, where: _Filters) -> None:
    while True:
        result = await passages.data.delete_many(where=where)
        if result.failed:
            raise KnowledgeUnavailable(f"Weaviate left {result.failed} chunks undeleted")
        if result.matches < _CERTAINLY_MATCHED_AT_ONCE:
            return


def _failure(
    messages: Sequence[str], written: int, source: str, connection: Connection
) -> KnowledgeError:
    """By what the server says of each object; its words may quote the text and stay here."""
    said = [message.lower() for message in messages]
    if any(_FORBIDDEN in message for message in said):
        return connection.refused(writing=True)
    invalid = sum(any(sign in message for sign in _OF_THE_OBJECT) for message in said)
    if invalid:
        return InvalidDocument(source, f"Weaviate takes {invalid} of {written} chunks never")
    return KnowledgeUnavailable(f"Weaviate did not write {len(messages)} of {written} objects")
