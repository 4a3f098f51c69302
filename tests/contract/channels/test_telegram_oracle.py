"""Ours and aiogram's parser read random valid updates of Telegram alike."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from recado.schemas.webhooks import MessageKind, MessageReceived
from support.oracle import Oracle, running

from .oracles import MANY, SOME, ours
from .telegram_updates import updates

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
