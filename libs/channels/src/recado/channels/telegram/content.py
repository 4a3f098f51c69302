"""What a Telegram message holds beside its text, typed.

Fields: https://core.telegram.org/bots/api#message and the objects that it links. What is not as
documented there is left out of the typed form; the message is kept raw beside it.
"""

from recado.channels.payload import (
    JsonObject,
    count_in,
    duration_in,
    identifier_in,
    list_in,
    number_in,
    object_in,
    objects_in,
    sound,
    text_in,
)
from recado.schemas.content import (
    Change,
    Choice,
    Content,
    Location,
    Media,
    MediaKind,
    SharedContact,
    SystemChange,
)

_FILES = {
    # Before `document`, which an animation carries as well.
    "animation": MediaKind.VIDEO,
    "video": MediaKind.VIDEO,
    "video_note": MediaKind.VIDEO,
    "voice": MediaKind.VOICE,
    "audio": MediaKind.AUDIO,
    "document": MediaKind.DOCUMENT,
    "sticker": MediaKind.STICKER,
}
_MOVED = ("migrate_from_chat_id", "migrate_to_chat_id")


def content_of(message: JsonObject) -> Content | None:
    """What a message holds; None where it is nothing beside text."""
    if "text" in message:
        return None  # a text holds nothing else, and most messages are texts
    content = Content(
        media=sound(lambda: _media(message)),
        location=sound(lambda: _location(message)),
        contacts=_contacts(message),
        choice=_chosen_in_app(message),
        system=_moved(message),
    )
    return None if content == _NOTHING else content


_NOTHING = Content()


def pressed(query: JsonObject) -> Content:
    """The button of a callback query: its data, and the title where the message still shows it."""
    data = text_in(query, "data")
    title = None if data is None else _title_of(object_in(query, "message") or {}, data)
    game = text_in(query, "game_short_name")
    return Content(choice=Choice(source="callback_query", id=data or game, title=title))


def _title_of(message: JsonObject, data: str) -> str | None:
    rows = list_in(object_in(message, "reply_markup") or {}, "inline_keyboard")
    buttons = (one for row in rows if isinstance(row, list) for one in row)
    found = (one for one in buttons if isinstance(one, dict) and one.get("callback_data") == data)
    return next((text_in(one, "text") for one in found), None)


def _media(message: JsonObject) -> Media | None:
    live = object_in(message, "live_photo")
    photo = _largest(message) or _largest(live or {})
    if photo is not None:
        return _file(photo, MediaKind.IMAGE)
    if live is not None:
        return _file(live, MediaKind.VIDEO)
    for name, kind in _FILES.items():
        part = object_in(message, name)
        if part is not None:
            return _file(part, kind)
    return None


def _largest(holder: JsonObject) -> JsonObject | None:
    """Of the sizes of a picture the largest: in which order they are is not documented."""
    sizes = list(objects_in(holder, "photo"))
    return max(sizes, key=lambda one: count_in(one, "width") or 0, default=None)


def _file(part: JsonObject, kind: MediaKind) -> Media | None:
    file_id = identifier_in(part, "file_id")
    if file_id is None:
        return None
    return Media(
        kind=kind,
        id=file_id,
        unique_id=identifier_in(part, "file_unique_id"),
        mime_type=text_in(part, "mime_type"),
        file_name=text_in(part, "file_name"),
        size=count_in(part, "file_size"),
        duration=duration_in(part, "duration"),
        animated=part.get("is_animated") is True or part.get("is_video") is True,
    )


def _location(message: JsonObject) -> Location | None:
    venue = object_in(message, "venue")
    place = object_in(venue or message, "location")
    if place is None:
        return None
    latitude, longitude = number_in(place, "latitude"), number_in(place, "longitude")
    if latitude is None or longitude is None:
        return None
    return Location(
        latitude=latitude,
        longitude=longitude,
        name=text_in(venue, "title"),
        address=text_in(venue, "address"),
    )


def _contacts(message: JsonObject) -> tuple[SharedContact, ...]:
    card = object_in(message, "contact")
    if card is None:
        return ()
    names = (text_in(card, "first_name"), text_in(card, "last_name"))
    number = text_in(card, "phone_number")
    return (
        SharedContact(
            name=" ".join(one for one in names if one) or None,
            phones=() if number is None else (number,),
            user_id=identifier_in(card, "user_id"),
        ),
    )


def _chosen_in_app(message: JsonObject) -> Choice | None:
    part = object_in(message, "web_app_data")
    if part is None:
        return None
    return Choice(
        source="web_app_data", id=text_in(part, "data"), title=text_in(part, "button_text")
    )


def _moved(message: JsonObject) -> SystemChange | None:
    old, new = (identifier_in(message, name) for name in _MOVED)
    return None if old is None and new is None else SystemChange(
        change=Change.CHAT_MOVED, old=old, new=new
    )  # fmt: skip
