"""What MongoDB itself refuses: a `$jsonSchema` for each collection, as `documents` describes them.

They catch a mistake of ours, or of somebody who writes by hand, before rag reads it or an operator
sees it: a wrong type, a required field that is missing, a list that grew beyond its bound. They
leave room for rows that a mark or a status has begun, and for fields of a newer dispatcher.

`VERSION` is in each schema's title. It grows with every change, and a change may only allow more:
while services roll out, an older dispatcher writes under the newer one's schemas.
"""

from collections.abc import Mapping
from typing import Any, Final

from recado.dispatcher.conversing import Closed
from recado.dispatcher.delivery import PartState
from recado.dispatcher.documents import RECENT_TURNS
from recado.dispatcher.ports import Name
from recado.schemas.webhooks import DeliveryStatus

Schema = Mapping[str, Any]

VERSION: Final = 2

_TITLE = "Recado's {name}, version {version}"


def _of(*types: str) -> Schema:
    return {"bsonType": list(types)}


_TEXT = _of("string")
_TEXT_OR_NOTHING = _of("string", "null")
_DATE = _of("date")
_DATE_OR_NOTHING = _of("date", "null")
_WHOLE = _of("int", "long")
_YES_OR_NO = _of("bool")
_OBJECT = _of("object")
_OBJECT_OR_NOTHING = _of("object", "null")


def _one_of(*values: str | None) -> Schema:
    return {"enum": list(values)}


def _list(of: Schema, *, most: int | None = None) -> Schema:
    bounded = {} if most is None else {"maxItems": most}
    return {"bsonType": "array", "items": of, **bounded}


def _fields(required: tuple[str, ...], **properties: Schema) -> Schema:
    return {"bsonType": "object", "required": list(required), "properties": properties}


_PLACE: Mapping[str, Schema] = {"topic": _TEXT, "partition": _WHOLE, "offset": _WHOLE}

_TURN = _fields(
    ("id", "role", "text", "at"),
    id=_TEXT,
    role=_one_of("user", "assistant"),
    text=_TEXT,
    at=_DATE,
    offset=_WHOLE,
    answers=_list(_TEXT),
    operator=_TEXT_OR_NOTHING,
)

_PART = _fields(
    ("content", "state"),
    content=_fields(("text",), text=_TEXT),
    state=_one_of(*(state.value for state in PartState)),
    attempt=_WHOLE,
    repeats=_WHOLE,
    repeats_before=_WHOLE,
    unclassified=_WHOLE,
    owner=_TEXT_OR_NOTHING,
    claimed_at=_DATE_OR_NOTHING,
    uncertain_at=_DATE_OR_NOTHING,
    platform_message_id=_TEXT_OR_NOTHING,
    reason=_TEXT_OR_NOTHING,
    error=_OBJECT_OR_NOTHING,
)

_OUTCOME = {
    "bsonType": ["object", "null"],
    "required": ["at", "deadline"],
    "properties": {
        "reason": _TEXT_OR_NOTHING,
        "error": _OBJECT_OR_NOTHING,
        "at": _DATE,
        "deadline": _DATE,
    },
}

_SCHEMAS: Mapping[Name, Schema] = {
    Name.USERS: _fields(
        ("platform", "integration", "user_id"),
        platform=_TEXT,
        integration=_TEXT,
        user_id=_TEXT,
        aliases=_list(_TEXT),
        name=_TEXT_OR_NOTHING,
        username=_TEXT_OR_NOTHING,
        language=_TEXT_OR_NOTHING,
        first_seen=_DATE,
        last_seen=_DATE,
        named_at=_DATE,
        replaced_by=_TEXT,
        replaced_at=_DATE,
    ),
    Name.CONVERSATIONS: _fields(
        ("is_active", "introduced", "recent"),
        platform=_TEXT,
        integration=_TEXT,
        chat=_TEXT,
        thread=_TEXT_OR_NOTHING,
        user=_TEXT,
        is_active=_YES_OR_NO,
        introduced=_YES_OR_NO,
        opened_at=_DATE,
        last_activity_at=_DATE,
        last_message_at=_DATE,
        last_sent_at=_DATE,
        closed_at=_DATE_OR_NOTHING,
        closed_by=_one_of(None, *(reason.value for reason in Closed)),
        handoff=_OBJECT_OR_NOTHING,
        blocked_at=_DATE_OR_NOTHING,
        unblocked_at=_DATE,
        opted_out_at=_DATE_OR_NOTHING,
        opted_at=_DATE,
        invited_at=_DATE,
        history_from=_DATE_OR_NOTHING,
        moved_to=_TEXT,
        moved_from=_TEXT,
        recent=_list(_TURN, most=RECENT_TURNS),
    ),
    Name.MESSAGES: _fields(
        ("conversation", "role"),
        conversation=_TEXT,
        role=_one_of("user", "assistant"),
        kind=_TEXT,
        text=_TEXT_OR_NOTHING,
        at=_DATE,
        sent_at=_DATE_OR_NOTHING,
        content=_OBJECT_OR_NOTHING,
        context=_OBJECT_OR_NOTHING,
        errors=_list(_OBJECT),
        addressed=_YES_OR_NO,
        user=_TEXT,
        answered_by=_TEXT,
        forgotten_at=_DATE,
        answers=_list(_TEXT),
        platform_ids=_list(_TEXT),
        platform_keys=_list(_TEXT),
        amends=_list(_TEXT),
        versions=_list(_OBJECT),
        reactions=_list(_OBJECT),
        edited_at=_DATE,
        revoked_at=_DATE,
        outcome=_TEXT,
        outcome_at=_DATE,
        parts_sent=_WHOLE,
        repeated_parts=_WHOLE,
        status=_one_of(*(status.value for status in DeliveryStatus)),
        status_rank=_WHOLE,
        reports=_OBJECT,
        pricing=_list(_OBJECT),
        citations=_list(_OBJECT),
        model=_TEXT_OR_NOTHING,
        usage=_OBJECT_OR_NOTHING,
        **_PLACE,
    ),
    Name.DELIVERIES: _fields(
        ("conversation", "text", "at", "offset", "parts", "created_at", "expires_at"),
        conversation=_TEXT,
        platform=_TEXT,
        integration=_TEXT,
        message_ids=_list(_TEXT),
        text=_TEXT,
        at=_DATE,
        offset=_WHOLE,
        parts=_list(_PART),
        introduces=_YES_OR_NO,
        outcome=_OUTCOME,
        forgotten_at=_DATE,
        moved_to=_TEXT,
        created_at=_DATE,
        expires_at=_DATE,
    ),
    Name.WEBHOOKS: _fields(
        ("received_at", "expires_at", "outcome", "payload"),
        received_at=_DATE,
        expires_at=_DATE,
        outcome=_TEXT,
        status=_of("int", "long", "null"),
        error=_TEXT_OR_NOTHING,
        payload=_TEXT,
        payload_cut=_YES_OR_NO,
        event_ids=_list(_TEXT),
        forgotten_at=_DATE,
        **_PLACE,
    ),
    Name.STATUSES: _fields(
        ("integration", "platform_message_id", "expires_at"),
        integration=_TEXT,
        platform_message_id=_TEXT,
        conversation=_TEXT_OR_NOTHING,
        reports=_OBJECT,
        errors=_list(_OBJECT),
        pricing=_list(_OBJECT),
        expires_at=_DATE,
    ),
}


def validators() -> Mapping[Name, Schema]:
    """The validator of each collection, as MongoDB takes it."""
    return {
        name: {"$jsonSchema": {"title": _TITLE.format(name=name.value, version=VERSION), **schema}}
        for name, schema in _SCHEMAS.items()
    }


def version_of(validator: Mapping[str, Any]) -> int | None:
    """The version of a validator that MongoDB has; None where it is none of ours."""
    title = str((validator.get("$jsonSchema") or {}).get("title", ""))
    own, _, version = title.rpartition("version ")
    return int(version) if own.startswith("Recado's ") and version.isdigit() else None
