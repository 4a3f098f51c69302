"""A document store that gathers changes, reads by `_id` and searches by value of many callers.

The other calls go through as they are. Requests are made by collection, for MongoDB takes changes
so, and those of several at the same time. A call's changes of one collection keep their order, and
it returns when they, and with them whatever went in the same request, are durable.

A change may be made twice, where the request that it was in failed on another call's account. The
second time its guard holds no more, or it changes nothing: so it is with all of the dispatcher's.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final

from recado.dispatcher.gatherer import Gatherer
from recado.dispatcher.ports import Change, Document, Documents, Name
from recado.dispatcher.together import all_of

MOST_CHANGES: Final = 400
"""In a request. MongoDB takes 100,000; what an error or a slow one holds up should be little."""

MOST_READS: Final = 100
"""In a request: what MongoDB returns at once, without a cursor to go on with."""


class GatheredDocuments:
    """See `recado.dispatcher.ports.Documents`. Close it before the store that it stands on."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._changes: Mapping[Name, Gatherer[Change, bool]] = {
            name: Gatherer(documents.apply, most=MOST_CHANGES) for name in Name
        }
        self._reads: Mapping[Name, Gatherer[str, Document | None]] = {
            name: Gatherer(partial(self._read_all, name), most=MOST_READS) for name in Name
        }
        self._searches: dict[tuple[Name, str], Gatherer[str, Sequence[Document]]] = {}

    async def close(self) -> None:
        """Return when nothing is under way any more. What still waits is told `StoreUnavailable`.

        The store's own limits end what is under way.
        """
        for name in Name:
            await self._changes[name].close()
            await self._reads[name].close()
        for searches in self._searches.values():
            await searches.close()

    async def ping(self) -> None:
        await self._documents.ping()

    async def prepare(self) -> None:
        await self._documents.prepare()

    async def insert(self, collection: Name, document: Document) -> bool:
        return await self._documents.insert(collection, document)

    async def read(self, collection: Name, document_id: str) -> Document | None:
        (found,) = await self._reads[collection].ask((document_id,))
        return found

    async def read_many(self, collection: Name, ids: Collection[str]) -> list[Document]:
        found = await self._reads[collection].ask([*dict.fromkeys(ids)])
        return [one for one in found if one is not None]

    async def find(self, collection: Name, equal: Mapping[str, object]) -> Document | None:
        return await self._documents.find(collection, equal)

    async def find_all(
        self, collection: Name, field: str, values: Collection[str]
    ) -> list[Document]:
        searches = self._searches.get((collection, field))
        if searches is None:
            request = partial(self._find_all, collection, field)
            searches = self._searches[collection, field] = Gatherer(request, most=MOST_READS)
        found = [row for rows in await searches.ask(list(values)) for row in rows]
        return list({row["_id"]: row for row in found}.values())

    async def select(
        self, collection: Name, where: Mapping[str, object], *, by: str, most: int
    ) -> list[Document]:
        return await self._documents.select(collection, where, by=by, most=most)

    async def delete(self, collection: Name, document_id: str, guard: Mapping[str, object]) -> None:
        await self._documents.delete(collection, document_id, guard)

    async def update(self, change: Change) -> Document | None:
        return await self._documents.update(change)

    async def apply(self, changes: Sequence[Change]) -> Sequence[bool]:
        places: dict[Name, list[int]] = {}
        for place, change in enumerate(changes):
            places.setdefault(change.collection, []).append(place)
        if len(places) == 1:
            return await self._changes[changes[0].collection].ask(changes)
        made = [False] * len(changes)
        asked = (
            self._changes[name].ask([changes[place] for place in of_it])
            for name, of_it in places.items()
        )
        for of_it, told in zip(places.values(), await all_of(*asked), strict=True):
            for place, one in zip(of_it, told, strict=True):
                made[place] = one
        return made

    async def _read_all(self, collection: Name, ids: Sequence[str]) -> Sequence[Document | None]:
        if len(ids) == 1:
            return [await self._documents.read(collection, ids[0])]
        found = {row["_id"]: row for row in await self._documents.read_many(collection, set(ids))}
        return [found.get(document_id) for document_id in ids]

    async def _find_all(
        self, collection: Name, field: str, values: Sequence[str]
    ) -> Sequence[Sequence[Document]]:
        """What was found, by value; a document may be there under several of them."""
        found: dict[str, list[Document]] = {value: [] for value in values}
        for row in await self._documents.find_all(collection, field, list(found)):
            has = row.get(field)
            for one in has if isinstance(has, list) else [has]:
                if one in found:
                    found[one].append(row)
        return [found[value] for value in values]
