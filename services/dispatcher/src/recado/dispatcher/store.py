"""MongoDB through motor: besides `preparing` the only module that knows the driver.

Writes are acknowledged by a majority and in the journal (`w=majority, j=True`): the stand-in loses
acknowledged writes in a crash without `j`. No index is descending on a string field, which gives
wrong results there.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TypeAlias

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from pymongo import ASCENDING, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
    WTimeoutError,
)
from pymongo.monitoring import CommandListener

from recado.dispatcher.errors import InvalidDocument, StoreRefuses, StoreUnavailable
from recado.dispatcher.ports import Change, Document, Name
from recado.dispatcher.preparing import make_indexes, make_validators

DUPLICATE_KEY = 11000

INVALID_DOCUMENT = 121
"""DocumentValidationFailure."""

CONNECTIONS = 100
"""The driver's own limit. Connections are made as they are needed."""

PREPARE_TIMEOUT = timedelta(minutes=1)
"""Of all indexes. A large collection takes longer, and MongoDB goes on: then try again."""

VISIBLE_ATTEMPTS = 8
"""Looks at a document whose insert is being committed: 2.5 s in all."""

# A wait, not a bug: the primary steps down, the server shuts down, the write concern is not met,
# or an operator must mend something: our password (18), our rights (13), a full disk (14031).
_PASSING = {13, 18, 64, 89, 91, 100, 189, 9001, 10058, 10107, 11600, 11602, 13435, 13436, 14031}

_Collection: TypeAlias = "AsyncIOMotorCollection[Mapping[str, object]]"


class MongoDocuments:
    """See `recado.dispatcher.ports.Documents`.

    Who finds none of the `connections` free waits for one, and after `timeout` MongoDB counts as
    away: there must be more of them than there are callers at once.
    """

    def __init__(
        self,
        url: str,
        database: str,
        *,
        timeout: timedelta = timedelta(seconds=5),
        connections: int = CONNECTIONS,
        listeners: Sequence[CommandListener] = (),
    ) -> None:
        """`listeners` are told of every request by the driver; a benchmark counts them."""
        milliseconds = timeout // timedelta(milliseconds=1)
        self._client: AsyncIOMotorClient[Mapping[str, object]] = AsyncIOMotorClient(
            url,
            w="majority",
            journal=True,
            wTimeoutMS=milliseconds,
            tz_aware=True,
            appname="recado-dispatcher",
            connectTimeoutMS=milliseconds,
            serverSelectionTimeoutMS=milliseconds,
            socketTimeoutMS=2 * milliseconds,
            waitQueueTimeoutMS=milliseconds,
            maxPoolSize=connections,
            event_listeners=list(listeners),
        )
        self._database = self._client[database]
        # Made once: motor makes a collection anew each time that it is asked for.
        self._collections = {name: self._database[name.value] for name in Name}

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    async def ping(self) -> None:
        with unavailable():
            await self._database.command("ping")

    async def prepare(self) -> None:
        with unavailable():
            await make_validators(self._database)
            await make_indexes(self._database)

    async def counts(self) -> Mapping[Name, int]:
        """How many documents each collection has, as nearly as MongoDB knows at once."""
        with unavailable():
            return {name: await self._collection(name).estimated_document_count() for name in Name}

    async def insert(self, collection: Name, document: Document) -> bool:
        with unavailable():
            try:
                await self._collection(collection).insert_one(dict(document))
            except DuplicateKeyError:
                await _until_visible(self._collection(collection), str(document["_id"]))
                return False
            return True

    async def read(self, collection: Name, document_id: str) -> Document | None:
        return await self.find(collection, {"_id": document_id})

    async def read_many(self, collection: Name, ids: Collection[str]) -> list[Document]:
        with unavailable():
            found = self._collection(collection).find({"_id": {"$in": list(ids)}})
            return [*await found.to_list(len(ids))]

    async def find(self, collection: Name, equal: Mapping[str, object]) -> Document | None:
        with unavailable():
            return await self._collection(collection).find_one(dict(equal))

    async def find_all(
        self, collection: Name, field: str, values: Collection[str]
    ) -> list[Document]:
        with unavailable():
            found = self._collection(collection).find({field: {"$in": list(values)}})
            return [*await found.to_list(None)]

    async def select(
        self, collection: Name, where: Mapping[str, object], *, by: str, most: int
    ) -> list[Document]:
        with unavailable():
            found = self._collection(collection).find(dict(where)).sort(by, ASCENDING).limit(most)
            return [*await found.to_list(most)]

    async def delete(self, collection: Name, document_id: str, guard: Mapping[str, object]) -> None:
        with unavailable():
            await self._collection(collection).delete_one({"_id": document_id, **guard})

    async def update(self, change: Change) -> Document | None:
        collection = self._collection(change.collection)
        with unavailable():
            made = False
            if change.upsert:
                with suppress(DuplicateKeyError):
                    made = await self._update_one(change, upsert=True)
            if change.upsert and not made:
                # The guard did not hold, or somebody inserted the document at this moment; the
                # stand-in then does nothing, or refuses the key, where MongoDB tries again.
                await _until_visible(collection, change.id)
            if not made:
                made = await self._update_one(change, upsert=False)
            return await collection.find_one({"_id": change.id}) if made else None

    async def apply(self, changes: Sequence[Change]) -> Sequence[bool]:
        places: dict[Name, list[int]] = {}
        for place, change in enumerate(changes):
            places.setdefault(change.collection, []).append(place)
        made = [False] * len(changes)
        with unavailable():
            for collection, of_it in places.items():
                told = await self._bulk(collection, [changes[place] for place in of_it])
                for place, one in zip(of_it, told, strict=True):
                    made[place] = one
        return made

    def _collection(self, collection: Name) -> _Collection:
        return self._collections[collection]

    async def _update_one(self, change: Change, *, upsert: bool) -> bool:
        """Make one change; whether it was made.

        No `findAndModify`, which would bring the document back: the stand-in reads the whole
        collection for each. The documents that this is used for are few beside those of `_bulk`.
        """
        result = await self._collection(change.collection).update_one(
            {"_id": change.id, **change.guard}, change.update, upsert=upsert
        )
        return bool(result.matched_count) or result.upserted_id is not None

    async def _bulk(self, name: Name, changes: Sequence[Change]) -> list[bool]:
        """In order, so that a later change of a document sees the earlier one.

        MongoDB 8 has a bulk that tells the result of each and takes all collections at once; the
        stand-in has it too, and loses in a crash what it has acknowledged there.

        MongoDB stops at the first error. A duplicate key is an upsert whose guard did not hold, or
        whose document somebody inserted at this moment: it is tried once more as an update.
        """
        collection = self._collection(name)
        made: list[bool] = []
        while len(made) < len(changes):
            rest = changes[len(made) :]
            updates = [
                UpdateOne({"_id": change.id, **change.guard}, change.update, upsert=change.upsert)
                for change in rest
            ]
            try:
                result = await collection.bulk_write(updates, ordered=True)
            except BulkWriteError as failure:
                stopped_at = _duplicate_at(failure)
                if stopped_at is None:
                    raise
                found = failure.details["nMatched"] + failure.details["nUpserted"]
                made += _made(rest[:stopped_at], found)
                again = rest[stopped_at]
                await _until_visible(collection, again.id)
                made.append(await self._update_one(again, upsert=False))
            else:
                made += _made(rest, result.matched_count + result.upserted_count)
        return made


def _made(changes: Sequence[Change], found: int) -> list[bool]:
    """Whether each was made, where so many found their document or inserted it.

    Only the sum is known. An upsert that did neither would have been an error.
    """
    every = found == len(changes)
    return [every or change.upsert for change in changes]


def _duplicate_at(failure: BulkWriteError) -> int | None:
    """The change at which a bulk stopped: a duplicate key, and what was before it is durable."""
    told = failure.details
    errors = told["writeErrors"]
    if told["writeConcernErrors"] or not errors or errors[0]["code"] != DUPLICATE_KEY:
        return None
    return int(errors[0]["index"])


async def _until_visible(collection: _Collection, document_id: str) -> None:
    """Return when a document whose `_id` is taken can be read.

    The stand-in refuses the `_id` of an insert that is not committed yet; MongoDB waits for it.
    """
    for attempt in range(VISIBLE_ATTEMPTS):
        if await collection.find_one({"_id": document_id}, {"_id": 1}) is not None:
            return
        await asyncio.sleep(0.01 * 2**attempt)
    raise StoreUnavailable("a document that exists can't be read")


@contextmanager
def unavailable() -> Iterator[None]:
    """Tell what passes from what is a mistake of ours. No message is kept: it may quote a row."""
    try:
        yield
    except (ConnectionFailure, ExecutionTimeout, WTimeoutError, WaitQueueTimeoutError) as failure:
        raise StoreUnavailable(type(failure).__name__) from None
    except BulkWriteError as failure:
        if failure.details["writeConcernErrors"]:
            raise StoreUnavailable("write concern") from None
        if any(one["code"] == INVALID_DOCUMENT for one in failure.details["writeErrors"]):
            raise InvalidDocument from None
        raise
    except OperationFailure as failure:
        if failure.code in _PASSING or failure.has_error_label("RetryableWriteError"):
            raise StoreUnavailable(f"code {failure.code}") from None
        if failure.code == INVALID_DOCUMENT:
            raise InvalidDocument from None
        raise
    except PyMongoError as failure:
        if failure.timeout:
            raise StoreUnavailable(type(failure).__name__) from None
        raise


async def prepare(url: str, database: str) -> None:
    """See `MongoDocuments.prepare`, on a connection of its own.

    Raises StoreUnavailable (try again) and StoreRefuses: what is there is not ours, or `url` is
    none of MongoDB.
    """
    try:
        documents = MongoDocuments(url, database)
    except (PyMongoError, ValueError) as error:
        raise StoreRefuses(f"its address is not valid ({type(error).__name__})") from None
    try:
        async with asyncio.timeout(PREPARE_TIMEOUT.total_seconds()):
            await documents.prepare()
    except TimeoutError:
        raise StoreUnavailable("the indexes were not made in time") from None
    except OperationFailure as error:
        raise StoreRefuses(f"{_code_name(error)} (code {error.code})") from None
    finally:
        documents.close()


def _code_name(error: OperationFailure) -> str:
    """The error's name in MongoDB's list. Its message may quote a row."""
    return str((error.details or {}).get("codeName", "the command failed"))
