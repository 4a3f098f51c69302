"""What the dispatcher has written, read-only. No other module of the command knows the driver."""

import re
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from operator import itemgetter
from time import monotonic
from typing import Any, NamedTuple, TypeAlias

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo import DESCENDING
from pymongo.errors import ConfigurationError, PyMongoError

from recado.cli.cursor import MAX_GAPS, Cursor, Partition
from recado.cli.output import CliError
from recado.cli.settings import CliSettings
from recado.cli.wanted_rows import Filter
from recado.schemas.topics import Topic

Row: TypeAlias = Mapping[str, object]
_Database: TypeAlias = AsyncIOMotorDatabase[dict[str, Any]]

ANSWER_TIMEOUT_MS = 5_000

COMPLETE: Filter = {"kind": {"$exists": True, "$ne": "(forgotten)"}}
"""A message's row without a kind was begun by a status; its own event has not come yet. Of one that
was forgotten there is nothing to show."""


class Belongings(NamedTuple):
    """What there is of a customer."""

    users: Sequence[str]
    conversations: Mapping[str, bool]
    """Whether each is theirs alone."""
    counts: Mapping[str, int]
    webhooks: Sequence[str]


class Stored:
    """The collections that people look into."""

    def __init__(self, database: _Database) -> None:
        self._database = database

    async def webhooks(self, filter_: Filter, limit: int, *, payload: bool) -> Sequence[Row]:
        """The last webhooks, youngest first; their payloads only where asked for."""
        found = self._database["webhooks"].find(filter_, None if payload else {"payload": 0})
        return await found.sort("received_at", DESCENDING).limit(limit).to_list(limit)

    async def conversations(self, filter_: Filter, limit: int) -> Sequence[Row]:
        """Conversations by their last activity, youngest first, each with `message_count`."""
        found = self._database["conversations"].find(filter_)
        rows = await found.sort("last_activity_at", DESCENDING).limit(limit).to_list(limit)
        counts = self._database["messages"].aggregate(
            [
                {"$match": {"conversation": {"$in": [row["_id"] for row in rows]}}},
                {"$group": {"_id": "$conversation", "count": {"$sum": 1}}},
            ]
        )
        by_conversation = {one["_id"]: one["count"] async for one in counts}
        return [row | {"message_count": by_conversation.get(row["_id"], 0)} for row in rows]

    async def bare_conversations(self, filter_: Filter, limit: int) -> Sequence[Row]:
        """The same, with nothing but what changes."""
        fields = dict.fromkeys(
            ("last_activity_at", "is_active", "handoff", "blocked_at", "opted_out_at"), 1
        )
        found = self._database["conversations"].find(filter_, fields)
        return await found.sort("last_activity_at", DESCENDING).limit(limit).to_list(limit)

    async def messages(self, filter_: Filter, limit: int) -> Sequence[Row]:
        """The last messages, oldest first."""
        found = self._database["messages"].find({"$and": [COMPLETE, filter_]})
        youngest = await found.sort("at", DESCENDING).limit(limit).to_list(limit)
        return youngest[::-1]

    async def knows(self, conversation: str) -> bool:
        """Whether there is such a conversation."""
        return await self._database["conversations"].find_one({"_id": conversation}) is not None

    async def users(self, names: Sequence[str]) -> Sequence[str]:
        """The users with one of these ids, platform's ids or aliases."""
        by = [{name: {"$in": list(names)}} for name in ("_id", "user_id", "aliases")]
        return [one["_id"] async for one in self._database["users"].find({"$or": by}, {"_id": 1})]

    async def conversations_of(self, users: Sequence[str]) -> Sequence[str]:
        """The conversations of these users."""
        found = self._database["conversations"].find({"user": {"$in": list(users)}}, {"_id": 1})
        return [one["_id"] async for one in found]

    async def belongings(self, names: Sequence[str]) -> "Belongings":
        """What there is of the users with one of these ids, numbers or aliases.

        Another user of the platform is the same customer where the one's id is an alias of the
        other: a number that was changed. (Not where both have had one username: those change
        hands.) A conversation is theirs alone where its chat is an id or a number of theirs. Of
        webhooks all count whose payload has such a one in it.
        """
        known: dict[str, Row] = {}
        found = await self._users(dict.fromkeys(("_id", "user_id", "aliases"), names))
        while found := [one for one in found if one["_id"] not in known]:
            known |= {str(one["_id"]): one for one in found}
            found = await self._users(
                {"aliases": _identities(found), "user_id": _aliases(found)},
                {str(one["platform"]) for one in found},
            )
        users = sorted(known)
        ids = {*_identities(known.values()), *filter(str.isdigit, _aliases(known.values()))}
        messages, conversations = self._database["messages"], self._database["conversations"]
        wrote = {"user": {"$in": users}}
        keys = {
            *await messages.distinct("conversation", wrote),
            *await conversations.distinct("_id", wrote),
        }
        rows = conversations.find({"_id": {"$in": sorted(keys)}}, {"chat": 1})
        chats = {one["_id"]: one.get("chat") async for one in rows}
        alone = {key: chats.get(key) in ids for key in sorted(keys)}
        theirs = {"conversation": {"$in": [key for key, whole in alone.items() if whole]}}
        said = {"$or": [theirs, wrote]}
        webhooks = set(await messages.distinct("webhook_id", said))
        # Short ids are in too much: those of a chat have more digits.
        names_in_payloads = "|".join(re.escape(one) for one in sorted(ids) if len(one) >= 6)
        if names_in_payloads:
            payloads = self._database["webhooks"].find(
                {"payload": {"$regex": names_in_payloads}}, {"_id": 1}
            )
            webhooks |= {one["_id"] async for one in payloads}
        counts = {
            "messages": await messages.count_documents(said),
            "deliveries": await self._database["deliveries"].count_documents(theirs),
            "webhooks": len(webhooks),
        }
        return Belongings(users, alone, counts, sorted(str(one) for one in webhooks if one))

    async def _users(
        self, by: Mapping[str, Collection[str]], platforms: Collection[str] = ()
    ) -> Sequence[Row]:
        wanted: Filter = {"$or": [{name: {"$in": sorted(each)}} for name, each in by.items()]}
        if platforms:
            wanted["platform"] = {"$in": sorted(platforms)}
        fields = {"platform": 1, "user_id": 1, "aliases": 1}
        return [one async for one in self._database["users"].find(wanted, fields)]

    async def cursor(self, collection: str, topics: Sequence[Topic]) -> Cursor:
        """A cursor behind all that is in a collection now."""
        highest: dict[Partition, int] = {}
        present: dict[Partition, set[int]] = {}
        for topic in topics:
            for number in range(topic.partitions):
                place = {"topic": topic.name, "partition": number}
                found = self._database[collection].find(place, {"offset": 1})
                last = found.sort("offset", DESCENDING).limit(MAX_GAPS)
                offsets = [one["offset"] for one in await last.to_list(MAX_GAPS)]
                highest[topic.name, number] = max(offsets, default=-1)
                present[topic.name, number] = set(offsets)
        return Cursor(highest, present, now=monotonic())

    async def new(self, collection: str, cursor: Cursor, filter_: Filter) -> Sequence[Row]:
        """The rows that appeared since the cursor looked last, by the offsets of their events."""
        asked = [
            {"topic": topic, "partition": number, "$or": [
                {"offset": {"$gt": highest}}, {"offset": {"$in": list(gaps)}}
            ]}
            for (topic, number), (highest, gaps) in cursor.wanted().items()
        ]  # fmt: skip
        found = self._database[collection].find(
            {"$or": asked}, {"topic": 1, "partition": 1, "offset": 1}
        )
        now = monotonic()
        # In the order of the offsets: a gap is what is below one that was taken.
        places = sorted(
            [one async for one in found], key=itemgetter("topic", "partition", "offset")
        )
        new = [
            one["_id"]
            for one in places
            if cursor.take((one["topic"], one["partition"]), one["offset"], now=now)
        ]
        cursor.give_up(now=now)
        if not new:
            return []
        rows = self._database[collection].find({"$and": [{"_id": {"$in": new}}, filter_]})
        at = "received_at" if collection == "webhooks" else "at"
        return sorted([row async for row in rows], key=itemgetter(at, "topic", "offset"))


@asynccontextmanager
async def stored(settings: CliSettings) -> AsyncIterator[Stored]:
    """The database, or the sentence that says why it can't be read."""
    client: AsyncIOMotorClient[dict[str, Any]] | None = None
    try:
        client = AsyncIOMotorClient(
            settings.mongodb_url,
            serverSelectionTimeoutMS=ANSWER_TIMEOUT_MS,
            tz_aware=True,
            tzinfo=UTC,
        )
        yield Stored(client[settings.mongodb_database])
    except ConfigurationError:
        # The driver's own words may quote the address, and with it a password.
        raise CliError("RECADO_MONGODB_URL is not an address of MongoDB.") from None
    except PyMongoError as error:
        raise CliError(f"MongoDB can't be read: {type(error).__name__}.") from error
    finally:
        if client is not None:
            client.close()


def as_time(value: object) -> datetime | None:
    """A field that holds a time, if it does."""
    return value if isinstance(value, datetime) else None


def _identities(users: Iterable[Row]) -> set[str]:
    return {str(one["user_id"]) for one in users}


def _aliases(users: Iterable[Row]) -> set[str]:
    held = (one.get("aliases") for one in users)
    return {str(alias) for aliases in held if isinstance(aliases, list) for alias in aliases}
