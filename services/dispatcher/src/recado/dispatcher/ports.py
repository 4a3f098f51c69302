"""What the dispatcher needs of a document store, of the configured integrations, and of time.

The document store speaks MongoDB's update language but no driver's: every write names one document
by its `_id` and changes it in one atomic step, or not at all where its guard does not hold. That is
all that the ledger and the recording stand on. `store` implements it with motor.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from recado.channels.contract import Integration, Limits, Sender
from recado.schemas.conversations import ReplyTo

Document = Mapping[str, object]

Clock = Callable[[], datetime]
"""The time now, aware."""


class Name(StrEnum):
    """The collections. See `recado.dispatcher.documents` for what is in them."""

    USERS = "users"
    CONVERSATIONS = "conversations"
    MESSAGES = "messages"
    DELIVERIES = "deliveries"
    WEBHOOKS = "webhooks"
    STATUSES = "statuses"


@dataclass(frozen=True, slots=True)
class Change:
    """One guarded update of one document."""

    collection: Name
    id: str
    update: Mapping[str, Mapping[str, object]]
    """MongoDB's update operators."""
    guard: Mapping[str, object] = field(default_factory=dict)
    """A MongoDB filter that must hold besides the `_id`.

    Without `$or`, where it is used often: with one beside the `_id` the stand-in for MongoDB looks
    at every document of the collection. `{"$not": {"$gte": x}}` holds for what is less, and also
    where there is nothing.
    """
    upsert: bool = False
    """Insert the document where there is none with this `_id`. A guard then says what must hold
    if there is one."""


class Documents(Protocol):
    """A document store. A write that has returned survives the server's crash.

    Every call may raise `StoreUnavailable`; then the write may or may not have happened. A write
    raises `InvalidDocument`, and has not happened, where the document would not have its
    collection's shape (`shapes`).
    """

    async def ping(self) -> None:
        """Return when the store answers."""
        ...

    async def prepare(self) -> None:
        """Make what is missing of collections, indexes and validators; nothing the second time.

        Raises `StoreRefuses` where what is there is another's.
        """
        ...

    async def insert(self, collection: Name, document: Document) -> bool:
        """Insert the document; False, and nothing changed, where its `_id` is taken."""
        ...

    async def read(self, collection: Name, document_id: str) -> Document | None:
        """The document as last written."""
        ...

    async def read_many(self, collection: Name, ids: Collection[str]) -> list[Document]:
        """Those of the documents that exist, in no order."""
        ...

    async def find(self, collection: Name, equal: Mapping[str, object]) -> Document | None:
        """Any document whose fields are equal to these (or, for an array, hold them)."""
        ...

    async def find_all(
        self, collection: Name, field: str, values: Collection[str]
    ) -> list[Document]:
        """Every document whose field is one of these (or, for an array, holds one), in no order."""
        ...

    async def select(
        self, collection: Name, where: Mapping[str, object], *, by: str, most: int
    ) -> list[Document]:
        """So many at most of the documents of a MongoDB filter, those with the least `by` first."""
        ...

    async def delete(self, collection: Name, document_id: str, guard: Mapping[str, object]) -> None:
        """Nothing that has this `_id`, and for which the filter holds, is there afterwards."""
        ...

    async def update(self, change: Change) -> Document | None:
        """Apply one change; the document after it, or None where its guard did not hold."""
        ...

    async def apply(self, changes: Sequence[Change]) -> Sequence[bool]:
        """Apply the changes in bulk, in order where they are of one collection.

        Whether each was made, in their order. A change whose guard does not hold is passed over,
        and False. So may one be that is no upsert and was made, where beside it one was not: who
        is told False and must know reads. Another error ends the bulk of its collection there.
        """
        ...


class Senders(Protocol):
    """The configured integrations, ready to send."""

    def sender(self, reply_to: ReplyTo) -> Sender | None:
        """The sender of this address; None where the integration is not there, or disabled.

        It is asked for again at each try, so that an answer that waits goes on with what is
        configured then.
        """
        ...

    def integration(self, reply_to: ReplyTo) -> Integration | None:
        """The account of this address, as configured now."""
        ...

    def limits(self, reply_to: ReplyTo) -> Limits:
        """How fast it may be sent to this address, as configured now."""
        ...
