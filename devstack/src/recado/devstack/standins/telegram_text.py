"""What `sendMessage` makes of a text and its entities.

Lengths and offsets are UTF-16 units. Sources: Bot API, sendMessage ("1-4096 characters after
entities parsing") and MessageEntity; wording of the errors: tdlib/telegram-bot-api (`Client.cpp`)
and tdlib (`MessageEntity.cpp`). Markup (`parse_mode`) is in `telegram_markup`.
"""

from itertools import accumulate

from pydantic import JsonValue

from recado.devstack.standins.telegram_errors import BadRequest

LONGEST_TEXT = 4096

# Bot API, MessageEntity, "type".
ENTITY_TYPES = frozenset(
    {
        "mention",
        "hashtag",
        "cashtag",
        "bot_command",
        "url",
        "email",
        "phone_number",
        "bold",
        "italic",
        "underline",
        "strikethrough",
        "spoiler",
        "blockquote",
        "expandable_blockquote",
        "code",
        "pre",
        "text_link",
        "text_mention",
        "custom_emoji",
        "date_time",
    }
)
# Fields that an entity of a type must have.
_REQUIRED = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id"}


def utf16_length(text: str) -> int:
    """The length in UTF-16 units, as Telegram counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def check_text(text: str) -> None:
    """Refuse a text, its markup taken off, that is blank or too long.

    Raises BadRequest.
    """
    if not text.strip():
        raise BadRequest("text must be non-empty")
    if utf16_length(text) > LONGEST_TEXT:
        raise BadRequest("message is too long")


def check_entities(text: str, entities: JsonValue) -> tuple[dict[str, JsonValue], ...]:
    """The entities as given, when each is of a known type and lies within the text.

    Raises BadRequest.
    """
    if entities is None:
        return ()
    if not isinstance(entities, list):
        raise BadRequest("can't parse entities: expected an Array of MessageEntity")
    boundaries = _boundaries(text)
    checked: list[dict[str, JsonValue]] = []
    for entity in entities:
        if not isinstance(entity, dict):
            raise BadRequest("can't parse MessageEntity: expected an Object")
        _check_bounds(entity, boundaries)
        checked.append(entity)
    return tuple(checked)


def _boundaries(text: str) -> frozenset[int]:
    """The UTF-16 offsets at which a character begins, and that of the end."""
    widths = (2 if character > "\uffff" else 1 for character in text)
    return frozenset(accumulate(widths, initial=0))


def _check_bounds(entity: dict[str, JsonValue], boundaries: frozenset[int]) -> None:
    kind = entity.get("type")
    offset, length = _number(entity, "offset"), _number(entity, "length")
    if kind not in ENTITY_TYPES:
        raise BadRequest("can't parse MessageEntity: Unsupported type specified")
    required = _REQUIRED.get(str(kind))
    if required is not None and not entity.get(required):
        raise BadRequest(f"can't parse MessageEntity: Can't find field \"{required}\"")
    text_end = max(boundaries)
    if offset < 0 or length < 0 or offset > text_end:
        raise BadRequest(f"entity begins after the end of the text at UTF-16 offset {offset}")
    end = offset + length
    if end > text_end:
        raise BadRequest(
            f"entity beginning at UTF-16 offset {offset} ends after the end of the text"
            f" at UTF-16 offset {end}"
        )
    if offset not in boundaries:
        raise BadRequest("entity begins in a middle of a UTF-16 symbol")
    if end not in boundaries:
        raise BadRequest(
            f"entity beginning at UTF-16 offset {offset} ends in a middle of a UTF-16 symbol"
        )


def _number(entity: dict[str, JsonValue], name: str) -> int:
    value = entity.get(name)
    if value is None:
        raise BadRequest(f"can't parse MessageEntity: Can't find field \"{name}\"")
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadRequest(f'can\'t parse MessageEntity: Field "{name}" must be of type Number')
    return value
