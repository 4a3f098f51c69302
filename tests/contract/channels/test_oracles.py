"""Ours and other people's parsers agree on random valid updates: aiogram's and pywa's own types.

The updates are generated from their models, so that a field or a kind that they know and we do not
comes up here. Compared are who wrote, where, which message, of what kind, with which words, and
what it refers to.
"""

from collections.abc import Iterator
from random import Random
from typing import Protocol

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from recado.channels.contract import ParsedWebhook
from recado.schemas.content import Content
from recado.schemas.context import Context
from recado.schemas.webhooks import MessageKind, MessageReceived
from support import corpus
from support.from_schema import DATES, SENTENCES, WORDS, Json, Values, some_of
from support.oracle import Oracle, running
from support.valid import assert_valid

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
SOME = settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
MANY = settings(max_examples=5000, deadline=None, suppress_health_check=SLOW)

HALF = 0.5
CAPTIONED = ("photo", "video", "animation", "audio", "voice", "document", "live_photo")
WITH_A_MESSAGE = (
    "message", "edited_message", "channel_post", "edited_channel_post", "business_message",
    "edited_business_message", "callback_query",
)  # fmt: skip
KINDS = {
    "text": MessageKind.TEXT, "photo": MessageKind.IMAGE, "live_photo": MessageKind.IMAGE,
    "video": MessageKind.VIDEO, "animation": MessageKind.VIDEO, "video_note": MessageKind.VIDEO,
    "voice": MessageKind.VOICE, "audio": MessageKind.AUDIO, "document": MessageKind.DOCUMENT,
    "sticker": MessageKind.STICKER, "location": MessageKind.LOCATION, "venue": MessageKind.LOCATION,
    "contact": MessageKind.CONTACTS, "web_app_data": MessageKind.INTERACTIVE,
}  # fmt: skip
"""aiogram's content types as ours. The others are service messages, or have no name of ours."""

GUEST = "guest_message"
"""To aiogram a message; to us an update: it comes from a chat that the bot can't write to."""


@pytest.fixture(scope="module")
def aiogram() -> Iterator[Oracle]:
    with running("telegram") as oracle:
        yield oracle


@pytest.fixture(scope="module")
def pywa() -> Iterator[Oracle]:
    with running("whatsapp") as oracle:
        yield oracle


def ours(platform: str, payload: JsonValue) -> ParsedWebhook:
    found = corpus.parsed(platform, orjson.dumps(payload))
    for event in (*found.messages, *found.statuses):
        assert_valid(event)
    return found


@st.composite
def updates(draw: st.DrawFn, about: Json) -> Json:
    """An update of any of aiogram's kinds."""
    schema = about["schema"]
    assert isinstance(schema, dict)
    definitions, kinds = schema["$defs"], schema["properties"]
    assert isinstance(definitions, dict)
    assert isinstance(kinds, dict)
    random = draw(st.randoms(use_true_random=True))
    values = Values(definitions, random)
    # The kinds with a message in them come up as often as all the others together.
    names = [*WITH_A_MESSAGE, *WITH_A_MESSAGE, *(kinds.keys() - {"update_id"})]
    name = random.choice(sorted(names))
    if name in WITH_A_MESSAGE and name != "callback_query":
        content: JsonValue = draw(messages(about, values, random, edited=name.startswith("edited")))
    else:
        content = values.of(kinds[name], draw)
    return {"update_id": draw(st.integers(1, 2**31)), name: content}


@st.composite
def messages(draw: st.DrawFn, about: Json, values: Values, random: Random, *, edited: bool) -> Json:
    """A message of one content, as Telegram sends them, and some of what may come with any."""
    schema, contents = about["schema"], about["contents"]
    assert isinstance(schema, dict)
    assert isinstance(contents, list)
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    definition = definitions["Message"]
    assert isinstance(definition, dict)
    properties = definition["properties"]
    assert isinstance(properties, dict)
    held = sorted(properties.keys() & {str(one) for one in contents})
    kind = random.choice([*held, *["text"] * 10])
    beside = properties.keys() - set(held) - {"caption", "caption_entities", "message_id"}
    chosen = some_of(beside, 5, random)
    captioned = kind in CAPTIONED and random.random() < HALF
    found = values.fields(
        definition,
        draw,
        chosen=[
            *(["edit_date"] if edited else []), *chosen, kind, *(["caption"] if captioned else [])
        ],
    )  # fmt: skip
    found["chat"] = values.object("Chat", draw, depth=3)
    if random.random() < HALF:
        found["from"] = values.object("User", draw, depth=2)
    return found


@SOME
@given(st.data())
def test_telegram_is_read_as_aiogram_reads_it(aiogram: Oracle, data: st.DataObject) -> None:
    telegram_agrees(aiogram, data)


@pytest.mark.long
@MANY
@given(st.data())
def test_telegram_is_read_so_many_times_over(aiogram: Oracle, data: st.DataObject) -> None:
    """Five thousand updates: fields that seldom come together do."""
    telegram_agrees(aiogram, data)


def telegram_agrees(aiogram: Oracle, data: st.DataObject) -> None:
    update = data.draw(updates(aiogram.about))
    theirs = aiogram.told(update)
    found = ours("telegram", update)
    assert found.event_type == theirs["event"]
    assert found.problems == ()
    if theirs["chat"] is None:
        assert found.messages == ()
        return
    (message,) = found.messages
    assert message.reply_to.chat == str(theirs["chat"])
    assert message.text == theirs["text"] or theirs["event"] == GUEST
    if theirs["sender"] is not None:
        assert message.user.id == str(theirs["sender"])
    assert_same(message.reply_to.thread, theirs["thread"])
    assert_same(message.reply_to.business_connection, theirs["connection"])
    if theirs["event"] == GUEST:
        assert (message.platform_kind, message.addressed) == (GUEST, False)
        return
    if theirs["id"] is None:
        assert message.platform_message_id == str(update["update_id"])
    else:
        assert message.platform_message_id == str(theirs["id"])
    if message.platform_kind == "own_business_message":
        assert theirs["sender"] != theirs["chat"] or "sender_business_bot" in str(update)
    elif message.kind is MessageKind.EDIT or str(theirs["event"]).startswith("edited"):
        assert message.platform_kind == theirs["event"]
        assert message.context is not None
        assert message.context.changes == (str(theirs["id"]),)
    else:
        assert message.platform_kind == theirs["kind"]
        assert_same(message.quoted_message_id, theirs["reply"], unless=theirs["id"] is None)
        assert_same_kind(message)


def assert_same(mine: str | None, theirs: JsonValue, *, unless: bool = False) -> None:
    assert unless or mine == (None if theirs is None else str(theirs))


def assert_same_kind(message: MessageReceived) -> None:
    expected = KINDS.get(message.platform_kind)
    if expected is not None:
        assert message.kind is expected
    elif message.kind is MessageKind.OTHER:
        # What has no name of ours is kept whole.
        assert message.raw is not None


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


@SOME
@given(st.data())
def test_whatsapp_is_read_as_pywa_reads_it(pywa: Oracle, data: st.DataObject) -> None:
    whatsapp_agrees(pywa, data)


@pytest.mark.long
@MANY
@given(st.data())
def test_whatsapp_is_read_so_many_times_over(pywa: Oracle, data: st.DataObject) -> None:
    """Five thousand updates: fields that seldom come together do."""
    whatsapp_agrees(pywa, data)


def whatsapp_agrees(pywa: Oracle, data: st.DataObject) -> None:
    post = data.draw(posts(pywa.about))
    theirs = pywa.told(post)
    found = ours("whatsapp", post)
    assert found.problems == ()
    if found.statuses:
        (status,) = found.statuses
        pricing, errors = status.pricing, status.errors
        assert status.conversation == f"whatsapp:wa:{theirs['sender']}"
        assert (status.platform_message_id, status.status) == (theirs["id"], theirs["kind"])
        assert status.callback_data == theirs["text"]
        assert (None if pricing is None else pricing.billable) == theirs["billable"]
        assert (errors[0].code if errors else None) == theirs["error"]
        return
    (message,) = found.messages
    content, context = message.content or Content(), message.context or Context()
    assert message.platform_message_id == theirs["id"]
    assert message.kind == theirs["kind"]
    assert message.text == theirs["text"]
    if message.kind is MessageKind.SYSTEM:
        assert content.system is not None
        assert (content.system.old, content.system.new) == (theirs["sender"], theirs["new"])
        return
    assert message.user.id == theirs["sender"]
    assert message.quoted_message_id == theirs["reply"]
    if "choice" in theirs:
        assert content.choice is not None
        assert content.choice.id == theirs["choice"]
    if "media" in theirs:
        assert (content.media.id if content.media else None) == theirs["media"]
        assert (content.reaction.emoji if content.reaction else None) == theirs["emoji"]
        assert (context.referral.headline if context.referral else None) == theirs["headline"]
        assert context.forwarded == theirs["forwarded"]
        items = content.order.items if content.order else ()
        assert [one.product_id for one in items] == theirs["products"]
        assert [one.name for one in content.contacts if one.name] == theirs["names"]
