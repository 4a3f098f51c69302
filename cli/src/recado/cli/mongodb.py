"""What the dispatcher has written, read-only. No other module of the command knows the driver."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo import DESCENDING
from pymongo.errors import ConfigurationError, PyMongoError

from recado.cli.output import CliError
from recado.cli.settings import CliSettings

Row: TypeAlias = Mapping[str, object]
_Database: TypeAlias = AsyncIOMotorDatabase[dict[str, Any]]

ANSWER_TIMEOUT_MS = 5_000


class Stored:
    """The collections that people look into."""

    def __init__(self, database: _Database) -> None:
        self._database = database

    async def webhooks(self, limit: int) -> Sequence[Row]:
        """The last webhooks, youngest first."""
        found = self._database["webhooks"].find({}, {"payload": 0})
        return await found.sort("received_at", DESCENDING).limit(limit).to_list(limit)

    async def conversations(self, limit: int, *, closed: bool) -> Sequence[Row]:
        """Conversations by their last activity, youngest first, each with `message_count`."""
        found = self._database["conversations"].find({} if closed else {"is_active": True})
        rows = await found.sort("last_activity_at", DESCENDING).limit(limit).to_list(limit)
        counts = self._database["messages"].aggregate(
            [
                {"$match": {"conversation": {"$in": [row["_id"] for row in rows]}}},
                {"$group": {"_id": "$conversation", "count": {"$sum": 1}}},
            ]
        )
        by_conversation = {one["_id"]: one["count"] async for one in counts}
        return [row | {"message_count": by_conversation.get(row["_id"], 0)} for row in rows]

    async def messages(self, conversation: str, limit: int) -> Sequence[Row]:
        """The last messages of a conversation, oldest first."""
        found = self._database["messages"].find(
            {"conversation": conversation, "kind": {"$exists": True}}
        )
        youngest = await found.sort("at", DESCENDING).limit(limit).to_list(limit)
        return youngest[::-1]

    async def knows(self, conversation: str) -> bool:
        """Whether there is such a conversation."""
        return await self._database["conversations"].find_one({"_id": conversation}) is not None


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
