"""What the body of `POST /{phone_number_id}/messages` must look like.

Sources ("MD/": Meta's developer documents on business messaging / WhatsApp): MD/messages (fields,
4,096 characters, `biz_opaque_callback_data` of at most 512 characters), MD/typing-indicators
(`status: read`, `message_id`, `typing_indicator`), MD/business-scoped-user-ids (`recipient`; with
both, `to` counts). Templates: see `whatsapp_template`.

InvalidBody      the shape is wrong: error 100, the text names the parameter
UnsupportedType  a type of the real API that the stand-in does not take: error 131051
"""

import json
from dataclasses import dataclass

from pydantic import JsonValue

from recado.devstack.standins.whatsapp_template import InvalidTemplate, read_template

LONGEST_TEXT = 4096
LONGEST_CALLBACK_DATA = 512

# MD/messages, "type"; only text and templates are taken here.
TYPES = frozenset(
    {
        "audio",
        "contacts",
        "document",
        "image",
        "interactive",
        "location",
        "reaction",
        "sticker",
        "template",
        "text",
        "video",
    }
)


class InvalidBody(Exception):
    """The body's shape is wrong; the text is that of the Graph API."""


class UnsupportedType(Exception):
    """A message of a type that exists but is not stood in for."""


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A message to a number (`to`) or a user id (`recipient`): one of the two is there.

    Of a template, `body` is what was filled in, or its name.
    """

    body: str
    to: str | None
    recipient: str | None
    in_reply_to: str | None
    callback_data: str | None
    template: str | None = None


@dataclass(frozen=True, slots=True)
class ReadMark:
    """A message marked as read, perhaps with a typing indicator."""

    message_id: str
    typing: bool


def read_body(raw: bytes) -> TextMessage | ReadMark:
    """Read and check a body.

    Raises InvalidBody or UnsupportedType.
    """
    try:
        body: JsonValue = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise InvalidBody("The parameter messaging_product is required.")
    product = _required(body, "messaging_product")
    if product != "whatsapp":
        raise InvalidBody("Param messaging_product must be one of {WHATSAPP}")
    return _read_mark(body) if "status" in body else _message(body)


def is_read_mark(raw: bytes) -> bool:
    """Whether a body, right or wrong, asks for a message's status to change."""
    if b'"status"' not in raw:
        return False
    try:
        body: JsonValue = json.loads(raw)
    except ValueError:
        return False
    return isinstance(body, dict) and "status" in body


def _read_mark(body: dict[str, JsonValue]) -> ReadMark:
    if body["status"] != "read":
        raise InvalidBody("Param status must be one of {READ}")
    message_id = _required(body, "message_id")
    if not isinstance(message_id, str) or not message_id.startswith("wamid."):
        raise InvalidBody("Param message_id must be a valid message id")
    typing = body.get("typing_indicator")
    if typing is not None and (not isinstance(typing, dict) or typing.get("type") != "text"):
        raise InvalidBody("Param typing_indicator['type'] must be one of {TEXT}")
    return ReadMark(message_id, typing is not None)


def _message(body: dict[str, JsonValue]) -> TextMessage:
    to = _optional_text(body, "to")
    recipient = _optional_text(body, "recipient")
    if to is None and recipient is None:
        raise InvalidBody("The parameter to is required.")
    if body.get("recipient_type", "individual") != "individual":
        raise InvalidBody("Param recipient_type must be one of {INDIVIDUAL}")
    kind = body.get("type", "text")
    if not isinstance(kind, str) or kind not in TYPES:
        listed = ", ".join(sorted(each.upper() for each in TYPES))
        raise InvalidBody(f"Param type must be one of {{{listed}}}")
    template: str | None = None
    if kind == "text":
        content = _text(body)
    elif kind == "template":
        try:
            template, content = read_template(_required(body, "template"))
        except InvalidTemplate as invalid:
            raise InvalidBody(str(invalid)) from None
    else:
        raise UnsupportedType(f"The stand-in takes text messages and templates only, not {kind}.")
    callback_data = _optional_text(body, "biz_opaque_callback_data")
    if callback_data is not None and len(callback_data) > LONGEST_CALLBACK_DATA:
        raise InvalidBody(
            f"Param biz_opaque_callback_data must be at most {LONGEST_CALLBACK_DATA} characters"
            " long."
        )
    return TextMessage(content, to, recipient, _quoted(body), callback_data, template)


def _text(body: dict[str, JsonValue]) -> str:
    text = _required(body, "text")
    if not isinstance(text, dict):
        raise InvalidBody("Param text must be a JSON object.")
    content = text.get("body")
    if content is None:
        raise InvalidBody("The parameter text['body'] is required.")
    if not isinstance(content, str):
        raise InvalidBody("Param text['body'] must be a string.")
    if not content:
        raise InvalidBody("Param text['body'] must be at least 1 characters long.")
    if any("\ud800" <= character <= "\udfff" for character in content):
        raise InvalidBody("Param text['body'] must be valid UTF-8.")
    if len(content) > LONGEST_TEXT:
        raise InvalidBody(f"Param text['body'] must be at most {LONGEST_TEXT} characters long.")
    if not isinstance(text.get("preview_url", False), bool):
        raise InvalidBody("Param text['preview_url'] must be a boolean.")
    return content


def _quoted(body: dict[str, JsonValue]) -> str | None:
    context = body.get("context")
    if context is None:
        return None
    message_id = context.get("message_id") if isinstance(context, dict) else None
    if not isinstance(message_id, str) or not message_id:
        raise InvalidBody("The parameter context['message_id'] is required.")
    return message_id


def _required(body: dict[str, JsonValue], name: str) -> JsonValue:
    value = body.get(name)
    if value is None or value == "":
        raise InvalidBody(f"The parameter {name} is required.")
    return value


def _optional_text(body: dict[str, JsonValue], name: str) -> str | None:
    value = body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidBody(f"Param {name} must be a string.")
    return value
