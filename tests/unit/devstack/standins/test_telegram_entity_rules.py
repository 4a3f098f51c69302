"""Telegram's rules for entities, one broken at a time."""

import pytest
from pydantic import JsonValue

from recado.devstack.standins.telegram_entity_rules import broken_rules

TEXT = "uno dos 😀 tres"


def entity(kind: str, offset: int, length: int, **more: JsonValue) -> JsonValue:
    return {"type": kind, "offset": offset, "length": length, **more}


@pytest.mark.parametrize(
    ("entities", "what"),
    [
        ([entity("bold", 0, 6), entity("italic", 4, 3)], "cross"),
        ([entity("bold", 0, 7), entity("code", 4, 3)], "code holds nothing"),
        ([entity("pre", 0, 7), entity("italic", 4, 3)], "code holds nothing"),
        ([entity("text_link", 0, 7, url="https://a.pe"), entity("mention", 0, 3)], "hold each"),
        ([entity("blockquote", 0, 7), entity("expandable_blockquote", 0, 3)], "quote in a quote"),
        ([entity("bold", 0, 7), entity("bold", 0, 3)], "one in itself"),
        ([entity("bold", 0, 4)], "a blank end"),
        ([entity("bold", 3, 1)], "blank"),
        ([entity("bold", 0, 0)], "blank"),
        ([entity("bold", 8, 1)], "middle of a UTF-16 symbol"),
        ([entity("bold", 9, 3)], "middle of a UTF-16 symbol"),
        ([entity("bold", 9, 30)], "ends after the end"),
        ([entity("text_link", 0, 3)], "url"),
        ([entity("text_link", 0, 3, url="https://")], "no host"),
        ([entity("text_link", 0, 3, url="https://a b")], "no host"),
        ([entity("text_link", 0, 3, url="javascript:a")], "no host"),
        ([entity("bold", 0, 3, url="https://a.pe")], "an address"),
        ([entity("code", 0, 3, language="sh")], "a language"),
        ([entity("bold", 0, 3)] * 101, "101 entities"),
    ],
)
def test_a_broken_rule_is_named(entities: list[JsonValue], what: str) -> None:
    assert any(what in one for one in broken_rules(TEXT, entities))


@pytest.mark.parametrize("text", [" ", "a" * 4097, "😀" * 2049])
def test_a_text_that_would_be_refused_breaks_a_rule(text: str) -> None:
    assert broken_rules(text, [])


def test_what_telegram_documents_as_right_breaks_none() -> None:
    entities: list[JsonValue] = [
        entity("blockquote", 0, 15),
        entity("bold", 0, 7),
        entity("italic", 0, 7),
        entity("text_link", 4, 3, url="https://a.pe/x"),
        entity("strikethrough", 8, 2),
        entity("spoiler", 11, 4),
    ]
    assert broken_rules(TEXT, entities) == []
    assert broken_rules(TEXT, [entity("pre", 0, 15, language="sh")]) == []
