"""Ours and pywa's parser read random valid posts of WhatsApp alike."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.schemas.content import Content
from recado.schemas.context import Context
from recado.schemas.webhooks import MessageKind
from support.oracle import Oracle, running

from .oracles import MANY, SOME, ours
from .whatsapp_posts import posts


@pytest.fixture(scope="module")
def pywa() -> Iterator[Oracle]:
    with running("whatsapp") as oracle:
        yield oracle


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
