"""Telegram: every update about a chat becomes one event."""

from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from recado.channels.contract import NOT_NAMED, ParsedWebhook
from recado.channels.errors import Unreadable
from recado.channels.telegram import TelegramIntegration
from recado.channels.telegram.parse import parse
from recado.schemas import ids
from recado.schemas.conversations import Recipient
from recado.schemas.webhooks import MessageKind, MessageReceived
from support.valid import assert_valid

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
WEBHOOK = UUID(int=7)
CURL = b'{"message":{"chat":{"id":123456},"text":"Hola"}}'

Json = dict[str, JsonValue]
ANA: Json = {
    "id": 9,
    "first_name": "Ana",
    "last_name": "Paz",
    "username": "ap",
    "language_code": "es",
}
CHAT: Json = {"id": 9, "type": "private", "first_name": "Ana"}


def read(body: bytes | Json, *integrations: TelegramIntegration) -> ParsedWebhook:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return parse(raw, integrations, webhook_id=WEBHOOK, received_at=NOW)


def update(name: str, content: Json, update_id: int = 500) -> Json:
    return {"update_id": update_id, name: content}


def written(**more: JsonValue) -> Json:
    base: Json = {"message_id": 3, "from": ANA, "chat": CHAT, "date": 1764700000}
    return {**base, **more}


def one(body: Json, integration: TelegramIntegration) -> MessageReceived:
    found = read(body, integration)
    assert found.problems == ()
    (event,) = found.messages
    return event


def test_a_text_message_is_read_in_full(telegram: TelegramIntegration) -> None:
    event = one(
        update("message", written(text="Hola", reply_to_message={"message_id": 1})), telegram
    )
    assert event.id == ids.message_id("tg", "message", "9", "3")
    assert event.conversation == "telegram:tg:9"
    assert (event.reply_to.chat, event.reply_to.recipient) == ("9", Recipient.CHAT)
    assert (event.reply_to.thread, event.reply_to.business_connection) == (None, None)
    assert (event.user.id, event.user.name, event.user.username) == ("9", "Ana Paz", "ap")
    assert event.user.language == "es"
    assert (event.kind, event.platform_kind, event.text) == (MessageKind.TEXT, "text", "Hola")
    assert event.raw is None
    assert event.platform_message_id == "3"
    assert event.quoted_message_id == "1"
    assert event.sent_at == datetime.fromtimestamp(1764700000, UTC)


def test_a_hand_written_update_is_read_with_a_fresh_id_each_time(
    telegram: TelegramIntegration,
) -> None:
    (first,), (second,) = read(CURL, telegram).messages, read(CURL, telegram).messages
    assert (first.text, first.user.id, first.platform_message_id) == ("Hola", "123456", None)
    assert first.conversation == "telegram:tg:123456"
    assert first.id != second.id


def test_an_edit_is_another_event_than_its_message_and_than_the_next_edit(
    telegram: TelegramIntegration,
) -> None:
    original = one(update("message", written(text="a")), telegram)
    edits = [
        one(update("edited_message", written(text="b", edit_date=date)), telegram)
        for date in (1764700010, 1764700020, 1764700020)
    ]
    assert edits[0].kind is MessageKind.EDIT
    assert edits[0].text == "b"
    assert edits[0].quoted_message_id == "3"
    assert edits[0].sent_at == datetime.fromtimestamp(1764700010, UTC)
    assert len({original.id, *(edit.id for edit in edits)}) == 3
    undated = one(update("edited_message", written(text="c")), telegram)
    assert undated.id == ids.message_id("tg", "update", "9", "500")


def test_a_pressed_button_is_a_callback_in_the_chat_of_its_message(
    telegram: TelegramIntegration,
) -> None:
    query: Json = {"id": "77", "from": ANA, "message": written(text="elige"), "data": "si"}
    event = one(update("callback_query", query), telegram)
    assert event.id == ids.message_id("tg", "callback", "9", "77")
    assert (event.kind, event.text, event.quoted_message_id) == (MessageKind.CALLBACK, "si", "3")
    assert event.reply_to.chat == "9"
    assert event.sent_at is None
    assert event.raw == query


def test_a_topic_of_a_chat_is_a_thread_and_a_reply_chain_is_not(
    telegram: TelegramIntegration,
) -> None:
    topic = one(
        update("message", written(text="a", message_thread_id=5, is_topic_message=True)), telegram
    )
    assert (topic.reply_to.thread, topic.conversation) == ("5", "telegram:tg:9:5")
    chain = one(update("message", written(text="a", message_thread_id=5)), telegram)
    assert (chain.reply_to.thread, chain.conversation) == (None, "telegram:tg:9")


def test_a_business_message_is_a_conversation_of_its_own(telegram: TelegramIntegration) -> None:
    business = one(
        update("business_message", written(text="a", business_connection_id="conn")), telegram
    )
    direct = one(update("message", written(text="a")), telegram)
    assert business.reply_to.business_connection == "conn"
    assert business.reply_to.chat == "9"
    assert business.kind is MessageKind.TEXT
    assert business.id != direct.id
    assert business.conversation != direct.conversation


def test_what_the_business_itself_wrote_is_no_question(telegram: TelegramIntegration) -> None:
    owner: Json = {"id": 1, "first_name": "Dueño"}
    content = written(text="a", business_connection_id="conn")
    own = one(update("business_message", {**content, "from": owner}), telegram)
    assert own.kind is MessageKind.SYSTEM
    assert own.platform_kind == "own_business_message"


@pytest.mark.parametrize(
    ("content", "kind", "platform_kind", "text"),
    [
        ({"photo": [{}], "caption": "mira"}, MessageKind.IMAGE, "photo", "mira"),
        ({"voice": {}}, MessageKind.VOICE, "voice", None),
        ({"audio": {}}, MessageKind.AUDIO, "audio", None),
        ({"animation": {}, "document": {}}, MessageKind.VIDEO, "animation", None),
        ({"video_note": {}}, MessageKind.VIDEO, "video_note", None),
        ({"document": {}, "caption": "c"}, MessageKind.DOCUMENT, "document", "c"),
        ({"sticker": {}}, MessageKind.STICKER, "sticker", None),
        ({"location": {}, "venue": {}}, MessageKind.LOCATION, "venue", None),
        ({"contact": {}}, MessageKind.CONTACTS, "contact", None),
        ({"new_chat_members": [{}]}, MessageKind.SYSTEM, "new_chat_members", None),
        ({"hologram": {}}, MessageKind.OTHER, "hologram", None),
        ({"text": " "}, MessageKind.OTHER, "text", None),
        ({}, MessageKind.OTHER, "unknown", None),
    ],
)
def test_every_kind_is_named_and_kept_as_it_came(
    telegram: TelegramIntegration,
    content: Json,
    kind: MessageKind,
    platform_kind: str,
    text: str | None,
) -> None:
    event = one(update("message", written(**content)), telegram)
    assert (event.kind, event.platform_kind, event.text) == (kind, platform_kind, text)
    assert event.raw == written(**content)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("my_chat_member", {"chat": CHAT, "from": ANA, "date": 1}, MessageKind.SYSTEM),
        ("message_reaction", {"chat": CHAT, "user": ANA, "message_id": 3}, MessageKind.REACTION),
        ("deleted_business_messages", {"chat": CHAT, "message_ids": [3]}, MessageKind.REVOKE),
        ("something_of_2027", {"chat": CHAT}, MessageKind.OTHER),
    ],
)
def test_any_other_update_about_a_chat_is_kept_and_identified_by_its_update_id(
    telegram: TelegramIntegration, name: str, content: Json, kind: MessageKind
) -> None:
    event = one(update(name, content), telegram)
    assert (event.kind, event.platform_kind, event.user.id) == (kind, name, "9")
    assert event.id == ids.message_id("tg", "update", "9", "500")
    assert event.raw == content


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("poll", {"id": "1"}),
        ("inline_query", {"id": "1", "from": ANA}),
        ("callback_query", {"id": "1", "from": ANA, "inline_message_id": "x"}),
    ],
)
def test_an_update_about_no_chat_is_named_and_gives_no_message(
    telegram: TelegramIntegration, name: str, content: Json
) -> None:
    found = read(update(name, content), telegram)
    assert (found.event_type, found.messages, found.problems) == (name, (), ())


def test_a_message_without_a_chat_is_a_problem(telegram: TelegramIntegration) -> None:
    found = read(update("message", {"text": "secreto"}), telegram)
    assert found.messages == ()
    assert found.problems == ("message: no chat.id",)


def test_with_two_bots_and_none_named_nothing_is_guessed(telegram: TelegramIntegration) -> None:
    other = telegram.model_copy(update={"name": "other"})
    found = read(CURL, telegram, other)
    assert (found.messages, found.unknown_integrations) == ((), (NOT_NAMED,))


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"update_id": 5}', b'{"message": 3}', b"\xff", b'{"message": NaN}'],
)
def test_a_body_that_is_no_update_is_unreadable(telegram: TelegramIntegration, body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body, telegram)


VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["id", "chat", "from", "text", "message", "date", "photo", "first_name"]),
        inner,
    ),
    max_leaves=10,
)  # fmt: skip
NAMES = st.sampled_from(
    ["message", "edited_message", "callback_query", "business_message", "my_chat_member", "new"]
)
FIELDS = st.sampled_from(
    ["chat", "from", "user", "message", "text", "date", "edit_date", "message_id", "id",
     "business_connection_id", "message_thread_id", "is_topic_message", "sender_business_bot"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(NAMES, st.dictionaries(FIELDS, VALUES), st.booleans(), VALUES)
def test_whatever_json_comes_is_read_or_unreadable(
    name: str, changes: Json, sound: bool, update_id: JsonValue
) -> None:
    integration = TelegramIntegration.model_validate(
        {"name": "tg", "platform": "telegram", "bot_token": "1:t", "secret_token": "s"}
    )
    content = {**(written(text="a", message=written()) if sound else {}), **changes}
    body = orjson.dumps({"update_id": update_id, name: content})
    try:
        found = parse(body, [integration], webhook_id=WEBHOOK, received_at=NOW)
    except Unreadable:
        return
    for event in found.messages:
        assert_valid(event)
        assert MessageReceived.model_validate_json(event.model_dump_json()) == event
