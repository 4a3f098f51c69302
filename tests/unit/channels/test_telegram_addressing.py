"""Telegram: which messages of a group are said to the bot."""

import pytest
from pydantic import JsonValue, ValidationError

from recado.channels.telegram import TelegramIntegration
from recado.channels.telegram.addressing import is_addressed

Json = dict[str, JsonValue]
GROUP: Json = {"id": -100, "type": "supergroup"}


def said(text: str, **more: JsonValue) -> Json:
    """Said in a group, with its mentions as Telegram marks them."""
    mentions: list[JsonValue] = [
        {"type": "mention", "offset": text.index(word), "length": len(word)}
        for word in text.split()
        if word.startswith("@")
    ]
    return {"chat": GROUP, "from": {"id": 9}, "text": text, "entities": mentions, **more}


@pytest.fixture
def named(telegram: TelegramIntegration) -> TelegramIntegration:
    return telegram.model_copy(update={"bot_username": "fibralia_bot"})


@pytest.mark.parametrize(
    ("text", "with_name", "without_name"),
    [
        ("@fibralia_bot hola", True, True),
        ("hola @FIBRALIA_BOT", True, True),
        ("@otro_bot hola", False, True),
        ("@ana hola", False, False),
        ("/ayuda", True, True),
        ("/ayuda ahora", True, True),
        ("/ayuda@fibralia_bot", True, True),
        ("/ayuda@otro_bot", False, True),
        ("dice /ayuda", False, False),
        ("/", False, False),
        ("hola", False, False),
    ],
)
def test_a_bot_whose_name_is_not_set_takes_any_bots_name_for_its_own(
    telegram: TelegramIntegration,
    named: TelegramIntegration,
    text: str,
    with_name: bool,
    without_name: bool,
) -> None:
    assert is_addressed(said(text), named) is with_name
    assert is_addressed(said(text), telegram) is without_name


def test_a_bot_knows_its_own_messages_by_the_id_in_its_token(
    telegram: TelegramIntegration,
) -> None:
    assert telegram.bot_id == "42"
    assert is_addressed(said("sí", reply_to_message={"from": {"id": 42}}), telegram)
    assert not is_addressed(said("sí", reply_to_message={"from": {"id": 43}}), telegram)


def test_in_a_chat_of_two_everything_is_said_to_the_bot(named: TelegramIntegration) -> None:
    chats: list[Json] = [{"id": 9, "type": "private"}, {"id": 9}]
    for chat in chats:
        assert is_addressed({**said("@otro_bot hola"), "chat": chat}, named)


@pytest.mark.parametrize("name", ["@fibralia_bot", "fibralia_bot"])
def test_the_name_is_taken_with_and_without_its_sign(name: str) -> None:
    settings = {"name": "tg", "platform": "telegram", "bot_token": "1:t", "secret_token": "s"}
    bot = TelegramIntegration.model_validate({**settings, "bot_username": name})
    assert bot.bot_username == "fibralia_bot"
    with pytest.raises(ValidationError):
        TelegramIntegration.model_validate({**settings, "bot_username": "no es un nombre"})
