"""A key twice in one object is found wherever it is, and nothing else is taken for it."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from recado.channels.errors import Unreadable
from recado.channels.payload import load
from recado.channels.repeated_keys import has_repeated_key

WORDS = st.text(st.sampled_from('ab:"\\/{}, ñ\n😀'), max_size=6)
FEW_KEYS = st.sampled_from(["a", "b", "a:b", '":', "\\", "\\u003a", ":"])


@st.composite
def strings(draw: st.DrawFn, words: st.SearchStrategy[str] = WORDS) -> str:
    """A string as somebody may write it: with any of its characters as an escape."""
    written = '"'
    for character in draw(words):
        way = draw(st.sampled_from(["plain", "plain", "\\u", "\\U", "\\/"]))
        units = character.encode("utf-16-be")
        codes = [units[at : at + 2].hex() for at in range(0, len(units), 2)]
        if way == "\\u":
            written += "".join(f"\\u{code}" for code in codes)
        elif way == "\\U":
            written += "".join(f"\\u{code.upper()}" for code in codes)
        elif way == "\\/" and character == "/":
            written += way
        else:
            written += json.dumps(character, ensure_ascii=False)[1:-1]
    return written + '"'


BLANKS = st.text(st.sampled_from(" \n\t\r"), max_size=2)


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    pairs = [
        f"{draw(BLANKS)}{draw(strings(FEW_KEYS))}{draw(BLANKS)}:{draw(BLANKS)}{draw(inner)}"
        for _ in range(draw(st.integers(0, 3)))
    ]
    return "{" + ",".join(pairs) + draw(BLANKS) + "}"


TEXTS = objects(
    st.recursive(
        strings() | st.sampled_from(["1", "-0.5e3", "null", "true"]),
        lambda inner: (
            objects(inner) | st.lists(inner, max_size=3).map(lambda them: f"[{','.join(them)}]")
        ),
        max_leaves=6,
    )
)
"""Objects as text: keys from few names, blanks and escapes of any kind anywhere."""


def repeats(text: str) -> bool:
    """The same asked of the standard library, which shows each object's pairs."""
    found = False

    def note(pairs: list[tuple[str, JsonValue]]) -> None:
        nonlocal found
        found = found or len({key for key, _ in pairs}) < len(pairs)

    json.loads(text, object_pairs_hook=note)
    return found


@given(TEXTS)
def test_a_key_that_is_twice_in_an_object_is_found_and_nothing_else(text: str) -> None:
    body = text.encode()
    assert has_repeated_key(body, orjson.loads(body)) is repeats(text)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"a" :1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'{"x":[{"b":{"c":1,"d":2,"c":3}}]}',
        b'{"a":"\\u003a","a":":"}',
        b'{"a":"\\u003A:","a":"x"}',
        b'{"a":' + b"[" * 400 + b'{"b":1,"b":1}' + b"]" * 400 + b"}",
    ],
)
def test_such_a_body_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable) as unreadable:
        load(body)
    assert str(unreadable.value) == "a key is twice in one object"


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}',
        rb'{"text":"mira \":\" \u003a \ud83d\ude00 https:\/\/x\/","a":1}',
        b'{ "a" : 1 ,\n "A" : ":::" }',
        b'{"a":' + b"[" * 400 + b'{"b":1,"c":1}' + b"]" * 400 + b"}",
    ],
)
def test_one_key_in_several_objects_and_colons_in_strings_are_none(body: bytes) -> None:
    assert load(body) == json.loads(body)
