"""Entities lie within the text, and markup that does not close is refused."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recado.devstack.standins.telegram_errors import BadRequest
from recado.devstack.standins.telegram_markup import take_off_markup
from recado.devstack.standins.telegram_text import check_entities, check_text, utf16_length


def bold(offset: Any, length: Any, **more: Any) -> list[Any]:
    return [{"type": "bold", "offset": offset, "length": length, **more}]


@pytest.mark.parametrize(
    ("entities", "description"),
    [
        (bold(5, 1), "entity beginning at UTF-16 offset 5 ends after the end"),
        (
            bold(0, 6),
            "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16",
        ),
        (bold(6, 1), "entity begins after the end of the text at UTF-16 offset 6"),
        (bold(-1, 2), "entity begins after the end"),
        (bold(4, 1), "begins in a middle of a UTF-16 symbol"),
        (bold(0, 4), "ends in a middle of a UTF-16 symbol"),
        (bold(0, 2, type="sparkle"), "Unsupported type specified"),
        (bold(0, 2, type="text_link"), 'Can\'t find field "url"'),
        ([{"type": "bold", "length": 2}], 'Can\'t find field "offset"'),
        (bold("0", 2), 'Field "offset" must be of type Number'),
        (bold(True, 2), 'Field "offset" must be of type Number'),
        (["bold"], "expected an Object"),
        ({"type": "bold"}, "expected an Array"),
    ],
)
def test_an_entity_out_of_place_is_refused(entities: Any, description: str) -> None:
    with pytest.raises(BadRequest, match=description):
        check_entities("Las😀", entities)


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), data=st.data())
def test_an_entity_between_any_two_characters_is_taken(text: str, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(text)))
    last = data.draw(st.integers(first, len(text)))
    entities = bold(utf16_length(text[:first]), utf16_length(text[first:last]))
    assert check_entities(text, entities) == tuple(entities)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_length_is_that_of_utf16(text: str) -> None:
    assert utf16_length(text) == len(text.encode("utf-16-le")) // 2


def test_length_is_that_after_markup_is_taken_off() -> None:
    shown = take_off_markup(f"<b>{'a' * 4096}</b>", "HTML")
    check_text(shown)
    with pytest.raises(BadRequest, match="message is too long"):
        check_text(shown + "a")


@pytest.mark.parametrize(
    ("mode", "text", "shown"),
    [
        ("HTML", "<b>Hola</b> &lt;<i>tú</i>&gt;", "Hola <tú>"),
        ("HTML", '<a href="https://a.b">ver</a>', "ver"),
        ("Markdown", "*Hola* _tú_ `a_b` [ver](https://a.b)", "Hola tú a_b ver"),
        ("Markdown", r"a\_b", "a_b"),
        ("MarkdownV2", r"*Hola _tú_* 1\.5 ||x|| [ver](https://a.b/c.d)", "Hola tú 1.5 x ver"),
        ("MarkdownV2", "`a.b`", "a.b"),
        ("MarkdownV2", ">cita", "cita"),
    ],
)
def test_markup_that_closes_is_taken_off(mode: str, text: str, shown: str) -> None:
    assert take_off_markup(text, mode) == shown


@pytest.mark.parametrize(
    ("mode", "text", "description"),
    [
        ("HTML", "<b>Hola", 'Can\'t find end tag corresponding to start tag "b"'),
        ("HTML", "Hola</b>", "Unexpected end tag at byte offset 4"),
        ("HTML", "ñ<br>", 'Unsupported start tag "br" at byte offset 2'),
        ("HTML", "1 < 2", "Unclosed start tag at byte offset 2"),
        ("Markdown", "mi_red", "Can't find end of the entity starting at byte offset 2"),
        ("Markdown", "5 * 3", "Can't find end of the entity starting at byte offset 2"),
        ("Markdown", "[x", "Can't find end of the entity starting at byte offset 0"),
        ("MarkdownV2", "Hola.", "Character '.' is reserved and must be escaped"),
        ("MarkdownV2", "*Hola", "Can't find end of the entity starting at byte offset 0"),
    ],
)
def test_markup_that_does_not_close_is_refused(mode: str, text: str, description: str) -> None:
    with pytest.raises(BadRequest, match="can't parse entities") as refusal:
        take_off_markup(text, mode)
    assert description in refusal.value.description


@settings(deadline=None)
@given(st.sampled_from(["HTML", "Markdown", "MarkdownV2"]), st.text("ab_*[]()<>/`~|\\.!ñ \n"))
def test_any_markup_is_either_taken_off_or_refused(mode: str, text: str) -> None:
    try:
        shown = take_off_markup(text, mode)
    except BadRequest:
        return
    assert len(shown) <= len(text)
