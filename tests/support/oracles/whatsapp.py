"""pywa's reading of WhatsApp's webhooks: who, which, what kind, which words.

pywa reads the first message of a post; each update here has one. What it can read is told from its
dataclasses, whose fields are Meta's but for the names below.
"""

import dataclasses
import json
import sys
import types
import typing
from typing import Any

from pywa import WhatsApp
from pywa.types import (
    Audio,
    CallbackButton,
    CallbackSelection,
    Contact,
    DeletedMessage,
    Document,
    EditedMessage,
    FlowCompletion,
    Image,
    Location,
    Message,
    MessageStatus,
    Order,
    PhoneNumberChange,
    Product,
    Reaction,
    Sticker,
    Video,
)
from pywa.types.message_status import Pricing
from pywa.types.others import Referral, ReplyToMessage

READS: dict[str, type] = {
    "image": Image,
    "video": Video,
    "audio": Audio,
    "document": Document,
    "sticker": Sticker,
    "location": Location,
    "contact": Contact,
    "reaction": Reaction,
    "order": Order,
    "referral": Referral,
    "context": ReplyToMessage,
}
OURS_ALONE = {"_client", "uploaded_by", "uploaded_at", "uploaded_to", "referred_product"}
"""Fields that pywa makes up, and one that its parser takes in another form."""
METAS_NAMES = {
    "sku": "product_retailer_id",
    "price": "item_price",
    "products": "product_items",
    "from_user_id": "from",
}
SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schema_of(annotation: Any, scope: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a field's type."""
    if annotation in SCALARS:
        return {"type": SCALARS[annotation]}
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return schema_of_class(annotation)
    arguments = [one for one in typing.get_args(annotation) if one not in (type(None), ...)]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return {"anyOf": [*(schema_of(one, scope) for one in arguments), {"type": "null"}]}
    return {"type": "array", "items": schema_of(arguments[0], scope)}


def schema_of_class(read: type) -> dict[str, Any]:
    """The JSON Schema of an object, in Meta's names."""
    scope = vars(sys.modules[read.__module__]) | vars(read) | {"WhatsApp": WhatsApp}
    hints = typing.get_type_hints(read, scope, scope)
    fields = [one for one in dataclasses.fields(read) if one.name not in OURS_ALONE]
    properties = {
        METAS_NAMES.get(one.name, one.name): schema_of(hints[one.name], scope) for one in fields
    }
    optional = {
        METAS_NAMES.get(one.name, one.name)
        for one in fields
        if type(None) in typing.get_args(hints[one.name]) or one.default_factory is tuple
    }
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def told(client: WhatsApp, payload: dict[str, Any]) -> dict[str, Any]:
    """What pywa finds in a post of one message or status."""
    value = payload["entry"][0]["changes"][0]["value"]
    if "statuses" in value:
        status = MessageStatus.from_update(client, payload)
        pricing: Pricing | None = status.pricing
        return {
            "sender": status.from_user.bsuid,
            "id": status.id,
            "kind": status.status.value,
            "text": status.tracker,
            "billable": None if pricing is None else pricing.billable,
            "error": None if status.error is None else status.error.code,
        }
    message = value["messages"][0]
    match message["type"]:
        case "edit":
            edited = EditedMessage.from_update(client, payload)
            inner = edited.message
            return _of(edited, "edit", inner.text or inner.caption, edited.original_message_id)
        case "revoke":
            deleted = DeletedMessage.from_update(client, payload)
            return _of(deleted, "revoke", None, deleted.original_message_id)
        case "system":
            change = PhoneNumberChange.from_update(client, payload)
            found = {"id": change.id, "kind": "system", "text": None, "reply": None}
            return found | {"sender": change.old_wa_id, "new": change.new_wa_id}
        case "button":
            return _chosen(CallbackButton.from_update(client, payload), "button")
        case "interactive":
            kind = message["interactive"]["type"]
            if kind == "button_reply":
                return _chosen(CallbackButton.from_update(client, payload), "interactive")
            if kind == "list_reply":
                return _chosen(CallbackSelection.from_update(client, payload), "interactive")
            flow = FlowCompletion.from_update(client, payload)
            return _of(flow, "interactive", flow.body, _replied(flow))
    read = Message.from_update(client, payload)
    kind = "voice" if read.voice else read.type.value
    reply = read.reaction.message_id if read.reaction else _replied(read)
    order = read.order.text if read.order else None
    return _of(read, kind, read.text or read.caption or order, reply) | {
        "forwarded": read.forwarded,
        "media": getattr(read.media, "id", None),
        "emoji": read.reaction.emoji if read.reaction else None,
        "headline": read.referral.headline if read.referral else None,
        "products": [one.sku for one in read.order.products] if read.order else [],
        "names": [one.name.formatted_name for one in read.contacts or () if one.name],
    }


def _chosen(pressed: Any, kind: str) -> dict[str, Any]:
    return _of(pressed, kind, pressed.title, _replied(pressed)) | {"choice": pressed.data}


def _replied(update: Any) -> str | None:
    return None if update.reply_to_message is None else update.reply_to_message.id


def _of(update: Any, kind: str, text: str | None, reply: str | None) -> dict[str, Any]:
    sender = update.from_user.bsuid
    return {"sender": sender, "id": update.id, "kind": kind, "text": text or None, "reply": reply}


def main() -> None:
    """Say what can be read, then read."""
    client = WhatsApp(phone_id="1", token="t")
    schema = {name: schema_of_class(read) for name, read in READS.items()}
    assert Product in typing.get_args(typing.get_type_hints(Order)["products"])
    print(json.dumps({"schema": schema}), flush=True)
    for line in sys.stdin:
        print(json.dumps(told(client, json.loads(line))), flush=True)


main()
