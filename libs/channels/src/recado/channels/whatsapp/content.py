"""What a WhatsApp message holds beside its text, typed.

Fields: Meta, webhooks/reference/messages, a page for each type. What is not as documented there is
left out of the typed form; the message is kept raw beside it.
"""

from collections.abc import Callable

import orjson
from pydantic import JsonValue, ValidationError

from recado.channels.payload import (
    JsonObject,
    Malformed,
    as_it_came,
    identifier_in,
    number_in,
    object_in,
    objects_in,
    sound,
    text_in,
)
from recado.channels.whatsapp.kinds import MAX_TYPE_LENGTH, edited
from recado.schemas.content import (
    Change,
    Choice,
    Content,
    Location,
    Media,
    MediaKind,
    Order,
    OrderItem,
    Reaction,
    SharedContact,
    SystemChange,
)

_MEDIA = {
    "image": MediaKind.IMAGE,
    "video": MediaKind.VIDEO,
    "audio": MediaKind.AUDIO,
    "document": MediaKind.DOCUMENT,
    "sticker": MediaKind.STICKER,
}
_CHANGES = {
    "user_changed_number": Change.NUMBER_CHANGED,
    "customer_changed_number": Change.NUMBER_CHANGED,
    "user_changed_user_id": Change.USER_ID_CHANGED,
    "customer_identity_changed": Change.IDENTITY_CHANGED,
}


def content_of(message: JsonObject, platform_kind: str) -> Content | None:
    """What the message holds; None where it is nothing beside text."""
    if platform_kind == "text":
        return None
    if platform_kind == "edit":
        inner, inner_kind = edited(message)
        # An edit of an edit is nothing that Meta documents, and would recurse.
        return None if inner is None or inner_kind == "edit" else content_of(inner, inner_kind)
    read = _READERS.get(platform_kind)
    try:
        return None if read is None else read(message, platform_kind)
    except (Malformed, ValidationError):
        return None


def _media(message: JsonObject, platform_kind: str) -> Content | None:
    kind = _MEDIA[platform_kind]
    part = object_in(message, platform_kind)
    media_id = identifier_in(part, "id")
    if part is None or media_id is None:
        return None
    if kind is MediaKind.AUDIO and part.get("voice") is True:
        kind = MediaKind.VOICE
    media = Media(
        kind=kind,
        id=media_id,
        mime_type=text_in(part, "mime_type"),
        sha256=text_in(part, "sha256"),
        file_name=text_in(part, "filename"),
        animated=part.get("animated") is True,
    )
    return Content(media=media)


def _location(message: JsonObject, platform_kind: str) -> Content | None:
    part = object_in(message, platform_kind)
    if part is None:
        return None
    latitude, longitude = number_in(part, "latitude"), number_in(part, "longitude")
    if latitude is None or longitude is None:
        return None
    location = Location(
        latitude=latitude,
        longitude=longitude,
        name=text_in(part, "name"),
        address=text_in(part, "address"),
        url=text_in(part, "url"),
    )
    return Content(location=location)


def _contacts(message: JsonObject, platform_kind: str) -> Content | None:
    found = (_contact(card) for card in objects_in(message, platform_kind))
    contacts = tuple(one for one in found if one != _NOBODY)
    return Content(contacts=contacts) if contacts else None


_NOBODY = SharedContact()


def _contact(card: JsonObject) -> SharedContact:
    name = object_in(card, "name")
    names = (text_in(name, "first_name"), text_in(name, "last_name"))
    phones = list(objects_in(card, "phones"))
    numbers = (text_in(one, "phone") or text_in(one, "wa_id") for one in phones)
    ids = (identifier_in(one, "user_id") or identifier_in(one, "wa_id") for one in phones)
    return SharedContact(
        name=text_in(name, "formatted_name") or " ".join(one for one in names if one) or None,
        phones=tuple(number for number in numbers if number),
        user_id=next((one for one in ids if one), None),
        organisation=text_in(object_in(card, "org"), "company"),
    )


def _reaction(message: JsonObject, platform_kind: str) -> Content | None:
    part = object_in(message, platform_kind)
    if part is None:
        return None
    # Taken away: `emoji` is missing, or empty.
    reaction = Reaction(message_id=identifier_in(part, "message_id"), emoji=text_in(part, "emoji"))
    return Content(reaction=reaction)


def _button(message: JsonObject, platform_kind: str) -> Content | None:
    part = object_in(message, platform_kind)
    if part is None:
        return None
    choice = Choice(source=platform_kind, id=text_in(part, "payload"), title=text_in(part, "text"))
    return Content(choice=choice)


def _interactive(message: JsonObject, platform_kind: str) -> Content | None:
    part = object_in(message, platform_kind)
    choice = None if part is None else _choice(part)
    return None if choice is None else Content(choice=choice)


def _choice(part: JsonObject) -> Choice | None:
    named = text_in(part, "type") or next((key for key in part if object_in(part, key)), None)
    if named is None:
        return None
    reply = object_in(part, named) or {}
    if named == "nfm_reply":
        return Choice(
            source=named,
            id=text_in(reply, "name"),
            title=text_in(reply, "body"),
            form=sound(lambda: _form(reply)),
        )
    return Choice(
        source=named[:MAX_TYPE_LENGTH],
        # A call's permission is answered with `response`: accept or reject.
        id=text_in(reply, "id") or text_in(reply, "response"),
        title=text_in(reply, "title"),
        description=text_in(reply, "description"),
    )


def _form(reply: JsonObject) -> JsonObject | None:
    """The fields of a flow, which come as JSON in a string."""
    written = text_in(reply, "response_json")
    try:
        fields: JsonValue = None if written is None else orjson.loads(written)
    except orjson.JSONDecodeError:
        raise Malformed("response_json: not JSON") from None
    return as_it_came(fields) if isinstance(fields, dict) else None


def _order(message: JsonObject, platform_kind: str) -> Content | None:
    part = object_in(message, platform_kind)
    if part is None:
        return None
    items = [
        OrderItem(
            product_id=product_id,
            quantity=number_in(item, "quantity"),
            price=number_in(item, "item_price"),
            currency=text_in(item, "currency"),
        )
        for item in objects_in(part, "product_items")
        if (product_id := text_in(item, "product_retailer_id")) is not None
    ]
    order = Order(
        catalog_id=identifier_in(part, "catalog_id"),
        text=text_in(part, "text"),
        items=tuple(items),
    )
    return Content(order=order)


def _system(message: JsonObject, platform_kind: str) -> Content | None:
    part = object_in(message, platform_kind)
    if part is None:
        return None
    change = _CHANGES.get(text_in(part, "type") or "", Change.OTHER)
    new_number = identifier_in(part, "wa_id") or identifier_in(part, "new_wa_id")
    old, new = None, None
    match change:
        case Change.NUMBER_CHANGED:
            old = identifier_in(part, "customer") or identifier_in(message, "from")
            # Of somebody with a username only the new user id may be told.
            new = new_number or identifier_in(part, "user_id")
        case Change.USER_ID_CHANGED:
            old = identifier_in(message, "from_user_id")
            new = identifier_in(part, "user_id")
        case _:
            pass
    text = text_in(part, "body")
    return Content(system=SystemChange(change=change, old=old, new=new, text=text))


def _unsupported(message: JsonObject, platform_kind: str) -> Content | None:
    named = text_in(object_in(message, platform_kind), "type")
    return None if named is None else Content(unsupported=named[:MAX_TYPE_LENGTH])


_READERS: dict[str, Callable[[JsonObject, str], Content | None]] = {
    **dict.fromkeys(_MEDIA, _media),
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "button": _button,
    "interactive": _interactive,
    "order": _order,
    "system": _system,
    "unsupported": _unsupported,
}
"""By the message's type. Each gives None where nothing of it is as documented."""
