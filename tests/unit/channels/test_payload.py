"""Fields of somebody else's JSON are read as what they are said to be, or not at all."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from recado.channels.payload import MAX_ID_LENGTH, identifier_in, text_in

BLANKS = st.characters(categories=["Zs", "Zl", "Zp", "Cc"])


@given(st.text(st.characters() | BLANKS, max_size=8))
def test_an_identifier_is_not_empty_and_without_a_blank_of_any_kind(text: str) -> None:
    expected = text if text and not any(one.isspace() for one in text) else None
    assert identifier_in({"id": text}, "id") == expected


@given(st.text(BLANKS | st.sampled_from("a"), max_size=4))
def test_a_text_is_not_blank(text: str) -> None:
    assert text_in({"body": text}, "body") == (text if text.strip() else None)


def test_an_identifier_is_a_string_or_a_whole_number_and_of_a_bounded_length() -> None:
    written: list[JsonValue] = [7, -7, True, None, 7.5, ["7"], {}]
    read = [identifier_in({"id": one}, "id") for one in written]
    assert read == ["7", "-7", None, None, None, None, None]
    assert identifier_in({"id": "a" * MAX_ID_LENGTH}, "id") == "a" * MAX_ID_LENGTH
    assert identifier_in({"id": "a" * (MAX_ID_LENGTH + 1)}, "id") is None
