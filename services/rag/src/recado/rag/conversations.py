"""Conversations in MongoDB, read through motor: the only module of rag that knows the driver.

The dispatcher writes the documents (`conversations`, _id = conversation key) and says what is in
them; used here are `introduced`, `opted_out_at`, `history_from` and `recent`: {id, role, text,
at}. A turn without words was taken back by the customer and is none. Reading is one point read and
never waits long: an answer without history is better than a late one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pymongo.errors import PyMongoError

from recado.rag.errors import HistoryUnavailable
from recado.rag.history import Conversation, Entry
from recado.schemas.answers import Turn
from recado.servicekit import metrics

COLLECTION = "conversations"
FIELDS = {"introduced": 1, "opted_out_at": 1, "history_from": 1, "recent": 1}
READ_TIMEOUT = timedelta(seconds=1)


class _Recent(Turn):
    """A turn as the document has it; fields that rag does not use are ignored."""

    model_config = ConfigDict(extra="ignore")

    id: UUID


class _Document(BaseModel):
    """The fields of the document that are used."""

    introduced: bool | None = None
    opted_out_at: datetime | None = None
    history_from: datetime | None = None
    recent: Sequence[object] = ()


class MongoConversations:
    """Implements `recado.rag.history.Conversations`."""

    def __init__(self, url: SecretStr, database: str, timeout: timedelta = READ_TIMEOUT) -> None:
        milliseconds = timeout // timedelta(milliseconds=1)
        self._timeout = timeout
        self._client: AsyncIOMotorClient[Mapping[str, object]] = AsyncIOMotorClient(
            url.get_secret_value(),
            appname="recado-rag",
            tz_aware=True,
            tzinfo=UTC,
            connectTimeoutMS=milliseconds,
            serverSelectionTimeoutMS=milliseconds,
            socketTimeoutMS=milliseconds,
            waitQueueTimeoutMS=milliseconds,
        )
        self._collection = self._client[database][COLLECTION]

    async def read(self, conversation: str) -> Conversation:
        """See `Conversations.read`."""
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                found = await self._collection.find_one({"_id": conversation}, FIELDS)
        except (PyMongoError, TimeoutError) as error:
            metrics.HISTORY_READS.labels("unavailable").inc()
            raise HistoryUnavailable(f"MongoDB: {type(error).__name__}") from error
        metrics.HISTORY_READS.labels("read").inc()
        return Conversation() if found is None else read_document(found)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def read_document(found: Mapping[str, object]) -> Conversation:
    """The conversation in a document. A turn that can't be read costs no other turn."""
    try:
        document = _Document.model_validate(found)
    except ValidationError:
        return Conversation()
    entries = []
    for one in document.recent:
        try:
            turn = _Recent.model_validate(one)
        except ValidationError:
            continue
        if not turn.text:  # its message was taken back
            continue
        if document.history_from is None or turn.at >= document.history_from:
            entries.append(Entry(turn.id, turn.role, turn.text, turn.at))
    return Conversation(
        introduced=bool(document.introduced),
        opted_out=document.opted_out_at is not None,
        entries=tuple(entries),
    )
