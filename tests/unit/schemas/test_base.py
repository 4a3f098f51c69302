"""What is made without validation is what validation would have made."""

import pytest
from pydantic import BaseModel, ValidationError

from recado.schemas.base import unchecked
from recado.schemas.conversations import Recipient, ReplyTo
from recado.schemas.encoding import as_json, decode, encode
from recado.schemas.events import MessageReceived
from support import examples
from support.valid import assert_valid

reply_to = unchecked(ReplyTo)


def test_what_is_made_unchecked_is_the_model_with_its_defaults_in_its_order() -> None:
    made = reply_to(recipient=Recipient.PHONE, chat="51900", integration="wa", platform="whatsapp")
    same = ReplyTo(platform="whatsapp", integration="wa", chat="51900", recipient=Recipient.PHONE)
    assert made == same
    assert made.model_fields_set == same.model_fields_set
    assert as_json(made) == as_json(same)
    assert_valid(made)
    assert hash(made) == hash(same)
    assert made.model_copy(update={"chat": "1"}).chat == "1"


def test_it_is_frozen_like_any_other() -> None:
    made = reply_to(recipient=Recipient.PHONE, chat="51900", integration="wa", platform="whatsapp")
    with pytest.raises(ValidationError, match="frozen"):
        made.chat = "1"  # type: ignore[misc]  # that is what is tested


def test_two_of_them_share_nothing() -> None:
    first, second = (
        reply_to(recipient=Recipient.PHONE, chat=chat, integration="wa", platform="whatsapp")
        for chat in "12"
    )
    assert (first.chat, second.chat) == ("1", "2")
    assert first.__dict__ is not second.__dict__


def test_an_event_made_unchecked_travels_like_any_other() -> None:
    event = unchecked(MessageReceived)(**examples.MESSAGE_RECEIVED.__dict__)
    record = encode(event, source="test")
    assert decode(record.headers, record.value) == event == examples.MESSAGE_RECEIVED


@pytest.mark.parametrize(
    "wrong", [{"chat": ""}, {"chat": 7}, {"recipient": "phone"}, {"platform": "No"}]
)
def test_what_is_wrong_is_seen_when_it_is_validated(wrong: dict[str, object]) -> None:
    """The tests of whoever makes models so rest on this."""
    right: dict[str, object] = {
        "platform": "whatsapp",
        "integration": "wa",
        "chat": "51900",
        "recipient": Recipient.PHONE,
    }
    make: type[BaseModel] = reply_to  # type: ignore[assignment]  # to give it what mypy forbids
    with pytest.raises((ValidationError, AssertionError)):
        assert_valid(make(**{**right, **wrong}))
