"""Random valid posts of WhatsApp, made from pywa's own types."""

from typing import Protocol

from hypothesis import strategies as st
from pydantic import JsonValue

from support.from_schema import DATES, SENTENCES, WORDS, Json, Values

META_MEDIA = ("image", "video", "audio", "document", "sticker")


@st.composite
def posts(draw: st.DrawFn, about: Json) -> Json:
    """A post of one message or status, of any type that pywa reads."""
    schema = about["schema"]
    assert isinstance(schema, dict)
    random = draw(st.randoms(use_true_random=True))
    values = Values({}, random)

    def drawn(name: str) -> JsonValue:
        return values.of(schema[name], draw)

    types = ["text", *META_MEDIA, "location", "contacts", "reaction", "order", "button",
             "button_reply", "list_reply", "nfm_reply", "edit", "revoke", "system", "unsupported",
             "status"]  # fmt: skip
    user: Json = {"user_id": draw(WORDS), "profile": {"name": draw(SENTENCES)}}
    number = draw(st.none() | st.from_regex(r"[1-9][0-9]{7,14}", fullmatch=True))
    if number is not None:
        user["wa_id"] = number
    kind = random.choice(types)
    value: Json = {
        "metadata": {"phone_number_id": "100000000000001", "display_phone_number": "5491155550001"},
        "contacts": [user],
    }
    if kind == "status":
        value["statuses"] = [draw(statuses(user, number))]
    else:
        message: Json = {
            "id": draw(WORDS),
            "from_user_id": user["user_id"],
            "timestamp": str(draw(DATES)),
            **draw(contents(kind, drawn)),
        }
        if number is not None or kind == "system":
            message["from"] = number or "5491144440001"
        value["messages"] = [message]
        if kind == "system":
            del value["contacts"]
    return {"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}


@st.composite
def statuses(draw: st.DrawFn, user: Json, number: str | None) -> Json:
    reached = draw(st.sampled_from(["sent", "delivered", "read", "played", "failed"]))
    status: Json = {
        "id": draw(WORDS),
        "status": reached,
        "timestamp": str(draw(DATES)),
        "recipient_user_id": user["user_id"],
    }
    if number is not None:
        status["recipient_id"] = number
    if draw(st.booleans()):
        status["biz_opaque_callback_data"] = draw(WORDS)
    if draw(st.booleans()):
        status["pricing"] = {
            "billable": draw(st.booleans()),
            "pricing_model": "PMP",
            "category": draw(st.sampled_from(["service", "utility", "marketing"])),
        }
    if reached == "failed":
        status["errors"] = [
            {"code": draw(st.integers(1, 140000)), "title": "t", "message": "m", "href": "h"}
        ]
    return status


class Drawn(Protocol):
    """A value of one of pywa's classes, by Meta's name of the part."""

    def __call__(self, name: str) -> JsonValue: ...


@st.composite
def contents(draw: st.DrawFn, kind: str, drawn: Drawn) -> Json:
    """What a message of a type holds beside its envelope."""
    original: JsonValue = draw(WORDS)
    match kind:
        case "text":
            return {"type": kind, "text": {"body": draw(SENTENCES)}, **draw(surroundings(drawn))}
        case "contacts":
            return {"type": kind, "contacts": [drawn("contact"), drawn("contact")]}
        case "button":
            button: JsonValue = {"text": draw(SENTENCES), "payload": draw(WORDS)}
            return {"type": kind, "button": button, "context": drawn("context")}
        case "button_reply" | "list_reply":
            reply: JsonValue = {"id": draw(WORDS), "title": draw(SENTENCES)}
            chosen: JsonValue = {"type": kind, kind: reply}
            return {"type": "interactive", "interactive": chosen, "context": drawn("context")}
        case "nfm_reply":
            form: JsonValue = {"name": "flow", "body": draw(SENTENCES), "response_json": '{"a":1}'}
            return {"type": "interactive", "interactive": {"type": kind, kind: form}}
        case "edit":
            text: JsonValue = {"type": "text", "text": {"body": draw(SENTENCES)}}
            image: JsonValue = {"type": "image", "image": drawn("image")}
            inner = draw(st.sampled_from([text, image]))
            return {"type": kind, kind: {"original_message_id": original, "message": inner}}
        case "revoke":
            return {"type": kind, kind: {"original_message_id": original}}
        case "system":
            change: Json = {"type": "user_changed_number", "body": "b", "wa_id": "5491144440009"}
            return {"type": kind, kind: change}
        case "unsupported":
            return {"type": kind, kind: {"type": "poll"}, "errors": [ERROR]}
        case _:
            return {"type": kind, kind: drawn(kind), **draw(surroundings(drawn))}


ERROR: Json = {"code": 131051, "title": "t", "message": "m", "error_data": {"details": "d"}}


@st.composite
def surroundings(draw: st.DrawFn, drawn: Drawn) -> Json:
    """What may come with any message."""
    found: Json = {}
    if draw(st.booleans()):
        found["referral"] = drawn("referral")
    way = draw(st.sampled_from(["alone", "reply", "forwarded", "frequently_forwarded"]))
    if way == "reply":
        found["context"] = drawn("context")
    elif way != "alone":
        found["context"] = {way: True}
    return found
