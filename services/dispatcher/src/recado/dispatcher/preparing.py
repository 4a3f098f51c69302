"""Collections, indexes and validators in MongoDB: made where they are missing, checked where not.

All of it may be done again, and by several at the same time. Nothing is taken away: what a newer
dispatcher has made stays, and what is neither ours nor newer is told, not replaced.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel
from pymongo.errors import CollectionInvalid, OperationFailure

from recado.dispatcher.errors import StoreRefuses
from recado.dispatcher.ports import Name
from recado.dispatcher.shapes import VERSION, Schema, validators, version_of

Database: TypeAlias = "AsyncIOMotorDatabase[Mapping[str, object]]"

_CONFLICTS: Final = frozenset({67, 85, 86})
"""CannotCreateIndex, IndexOptionsConflict, IndexKeySpecsConflict."""

INDEXES: Mapping[Name, tuple[IndexModel, ...]] = {
    Name.USERS: (IndexModel([("aliases", ASCENDING)]),),
    Name.CONVERSATIONS: (
        IndexModel([("last_activity_at", ASCENDING)]),
        IndexModel([("user", ASCENDING)]),
        IndexModel([("is_active", ASCENDING), ("last_message_at", ASCENDING)]),
    ),
    Name.MESSAGES: (
        IndexModel([("conversation", ASCENDING), ("at", ASCENDING)]),
        IndexModel([("at", ASCENDING)]),
        IndexModel([("topic", ASCENDING), ("partition", ASCENDING), ("offset", ASCENDING)]),
        IndexModel([("platform_ids", ASCENDING)]),
        IndexModel([("platform_keys", ASCENDING)]),
        IndexModel([("amends", ASCENDING)]),
    ),
    Name.DELIVERIES: (
        IndexModel([("conversation", ASCENDING)]),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    ),
    Name.WEBHOOKS: (
        IndexModel([("received_at", ASCENDING)]),
        IndexModel([("topic", ASCENDING), ("partition", ASCENDING), ("offset", ASCENDING)]),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    ),
    Name.STATUSES: (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),),
}


async def make_indexes(database: Database) -> None:
    """Make what is missing. Raises `StoreRefuses` where one is there with other options."""
    for collection, indexes in INDEXES.items():
        try:
            await database[collection.value].create_indexes(list(indexes))
        except OperationFailure as error:
            if error.code not in _CONFLICTS:
                raise
            raise StoreRefuses(f"an index of {collection} is there with other options") from None


async def make_validators(database: Database) -> None:
    """Make collections and validators. Raises `StoreRefuses` where somebody has changed one."""
    there: dict[str, Mapping[str, Any]] = {
        one["name"]: one.get("options", {}) async for one in await database.list_collections()
    }
    for name, validator in validators().items():
        options = _validated_by(validator)
        held = there.get(name.value)
        if held is None:
            try:
                await database.create_collection(name.value, **options)
            except CollectionInvalid:  # somebody made it in between
                await database.command("collMod", name.value, **options)
        elif _is_to_be_changed(name, held, options):
            await database.command("collMod", name.value, **options)


def _is_to_be_changed(name: Name, held: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    validator = held.get("validator") or {}
    version = version_of(validator)
    if not validator or (version is not None and version < VERSION):
        return True
    same = all(held.get(option) == wanted for option, wanted in options.items())
    if same or (version is not None and version > VERSION):
        return False
    raise StoreRefuses(f"the validator of {name} is another than the dispatcher's")


def _validated_by(validator: Schema) -> dict[str, Any]:
    # Moderate: a document that was there before and does not fit can still be changed.
    return {
        "validator": validator,
        "validationLevel": "moderate",
        "validationAction": "error",
    }
